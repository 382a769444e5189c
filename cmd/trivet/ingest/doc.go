// Package ingest brings what is in a Redis, or in one of its files, into a
// running trivet. A [Source] yields records, from an RDB file or from a Redis that
// runs; a [Writer] sends them as RESTORE to a node, and a [Report] counts what
// became of each.
//
// Nothing is lost in silence: a record was written, or the report says why not, or
// the import ends with an error.
package ingest
