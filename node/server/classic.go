package server

import (
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// nextClassic reads and handles one request of a classic client: a list, or a
// string that is split at white space. Only bytes that make no value end the
// connection, as what follows them cannot be understood.
func (s *session) nextClassic() error {
	v, err := s.reader.ReadValue()
	if err != nil {
		return err
	}
	request, fail := classicRequest(v)
	if fail.IsError() {
		return s.refuse(s.srv.table.unknown, fail)
	}
	args := make([][]byte, len(request))
	for i, elem := range request {
		args[i], _ = classicText(elem)
	}
	r, fail := s.resolve(args)
	if fail.IsError() {
		return s.refuse(r, fail)
	}
	typed, fail := classicTypes(r.Spec, request, args)
	if fail.IsError() {
		return s.refuse(r, fail)
	}
	return s.dispatch(r, args, typed)
}

// classicRequest returns the elements of a request; the first is a name.
func classicRequest(v resp.Value) ([]resp.Value, resp.Value) {
	request := v.Elems
	switch v.Kind {
	case resp.Array:
	case resp.Simple, resp.Bulk, resp.BigNumber:
		for _, word := range strings.Fields(v.Str) {
			request = append(request, resp.Str(word))
		}
	default:
		return nil, errClassicRequest
	}
	if len(request) == 0 {
		return nil, errClassicMissing
	}
	if _, ok := classicText(request[0]); !ok {
		return nil, errClassicName
	}
	return request, resp.Nil
}

// classicText returns the bytes that a string or an integer stands for.
func classicText(v resp.Value) ([]byte, bool) {
	switch v.Kind {
	case resp.Bulk, resp.Simple, resp.BigNumber:
		return []byte(v.Str), true
	case resp.Integer:
		return strconv.AppendInt(nil, v.Int, 10), true
	}
	return nil, false
}

// classicTypes puts into args what is no string, as the row wants it. Typed tells
// which arguments became values in canonical encoding.
func classicTypes(spec *fsm.Spec, request []resp.Value, args [][]byte) (typed []bool, fail resp.Value) {
	isKey := make([]bool, len(args))
	for _, i := range spec.KeysOf(args) {
		isKey[i] = true
	}
	keep := spec.Flags&fsm.Typed != 0
	if keep {
		typed = make([]bool, len(args))
	}
	for i, v := range request {
		_, text := classicText(v)
		switch {
		case i == 0, isKey[i] && text:
		case isKey[i]:
			return nil, errClassicKey
		case keep && v.Kind != resp.Bulk && v.Kind != resp.Simple && v.Kind != resp.BigNumber:
			args[i] = v.Append(nil, resp.Canonical)
			typed[i] = true
		case !text:
			return nil, errClassicValue
		}
	}
	return typed, resp.Nil
}
