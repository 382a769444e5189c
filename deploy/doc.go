// Package deploy tests what trivet is deployed with: the Helm chart, the
// alerts and the image. It is a module of its own, so that Helm's libraries
// stay out of trivet's.
package deploy

//go:generate go tool helm-docs --chart-search-root ../helm --log-level warning
