// Package gossip lets nodes find one another and tell each other what they
// are: a [Gossip] knows the other nodes' [Meta] and whether they answer.
//
// It is for discovery alone. The one invariant: nothing here decides who is a
// member of the cluster or who votes. memberlist may say alive while the data
// path is dead, and the other way round.
package gossip
