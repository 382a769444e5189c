// Package transcript reads and runs transcripts: commands and the replies that
// are expected, as one would see them in redis-cli.
//
// A [File] is a row of blocks with a blank line between them:
//
//	# What the block shows.
//	# clock: why
//	at 1000
//	SET k "two words" EX 10
//	TTL k
//	----
//	OK
//	(integer) 10
//
// Lines before ---- are steps. `at` sets the time of what follows in
// milliseconds, `db` selects a database, and `classic` before a command sends
// it in the article's dialect, with values written as in JSON; its reply is
// written so too:
//
//	classic SET k [1, "x", {"a": null}]
//	classic GET k
//	----
//	1
//	[1, "x", {"a": null}]
//
// All other steps are commands, quoted as in redis-cli. Lines that start with #
// are comments; some are directives (see [Block]). Comments on their own, before
// the first block, speak for the file.
//
// The invariant: String of what [Parse] returned is what Parse was given.
package transcript
