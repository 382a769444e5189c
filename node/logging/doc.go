// Package logging lets the libraries that bring their own idea of a log write
// into the node's one [log/slog.Logger]: [HCLog] for raft and autopilot,
// [Lines] for those that print text, such as memberlist.
package logging
