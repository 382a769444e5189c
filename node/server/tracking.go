package server

import "github.com/trivetdb/trivet/resp"

// Client-side caching is not supported: a client that asks for it gets an error,
// goes on without, and finds it off wherever it asks.
var trackingCommands = []local{
	{spec("CLIENT|CACHING", 3, ofClient, "connection", "An error: client-side caching is not supported.", "6.0.0"), "YES|NO", nil, clientCaching},
	{spec("CLIENT|GETREDIR", 2, ofClient, "connection", "Answer -1: client-side caching is off.", "6.0.0"), "", nil, clientGetRedir},
	{spec("CLIENT|REPLY", 3, ofClient, "connection", "Choose whether this connection gets replies.", "3.2.0"), "ON|OFF|SKIP", nil, clientReply},
	{spec("CLIENT|TRACKING", -3, ofClient, "connection", "OFF is accepted; client-side caching is not supported.", "6.0.0"), "ON|OFF [REDIRECT id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]", nil, clientTracking},
	{spec("CLIENT|TRACKINGINFO", 2, ofClient, "connection", "Answer that client-side caching is off.", "6.2.0"), "", nil, clientTrackingInfo},
}

var (
	errTracking = resp.Err("ERR client-side caching is not supported by this server")
	errCaching  = resp.Err("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
)

func clientCaching(*session, [][]byte) resp.Value { return errCaching }

func clientGetRedir(*session, [][]byte) resp.Value { return resp.Int(-1) }

func clientTracking(_ *session, args [][]byte) resp.Value {
	switch {
	case is(args[2], "ON"):
		return errTracking
	case is(args[2], "OFF"):
		return resp.OK
	}
	return errSyntax
}

func clientTrackingInfo(*session, [][]byte) resp.Value {
	return resp.Dict(
		resp.Str("flags"), resp.Value{Kind: resp.Set, Elems: []resp.Value{resp.Str("off")}},
		resp.Str("redirect"), resp.Int(-1),
		resp.Str("prefixes"), resp.List(),
	)
}
