// Package web is a node's HTTP side, for probes, metrics and people: a
// [Server] over functions that it is given, and [Metrics], which collects what
// the libraries measure.
//
// The one invariant: /livez says only that the process serves. A node that
// lost its leader or lags is not ready; restarting it would make that worse.
package web
