// Package kubernetes tells the Kubernetes that a node runs in which pod leads:
// [Pods] puts a label on pods, by the API server and the service account that
// every pod is given. The Role needs one verb, patch on pods.
//
// The one invariant: nothing is read and nothing is decided here; whoever leads
// says so, and says it again. A label may be wrong for a moment, as may be whatever
// routes by it.
package kubernetes
