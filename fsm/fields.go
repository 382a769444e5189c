package fsm

// fields are a hash. A small one is in the order in which its fields came.
type fields struct{ dict[string] }

func newFields(epoch uint64) *fields { return &fields{dict[string]{epoch: epoch}} }

func (h *fields) clone(epoch uint64) container { return &fields{h.copy(epoch)} }

func (h *fields) encode(e *encoder) { h.encodeDict(e, h.form(), e.string) }

func decodeFields(r *stateReader, epoch uint64) container {
	h := newFields(epoch)
	form := r.byte()
	if form != formSmall && form != formLarge {
		r.fail("hash of form %d", form)
	}
	h.decodeDict(r, form, maxSmall, r.string)
	return h
}

func (h *fields) check() error { return h.dict.check(maxSmall) }
