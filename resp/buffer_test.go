package resp

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// script is a source that gives one chunk a call, and counts the calls.
type script struct {
	chunks []string
	reads  int
}

func (s *script) Read(p []byte) (int, error) {
	s.reads++
	if len(s.chunks) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(p, s.chunks[0])
	if s.chunks[0] = s.chunks[0][n:]; s.chunks[0] == "" {
		s.chunks = s.chunks[1:]
	}
	return n, nil
}

// The source must not be read while a whole command is buffered: a session
// flushes its replies in Read, and a client may send no more until it has them.
func TestReadsOnlyWhenNeeded(t *testing.T) {
	src := &script{chunks: []string{"*1\r\n$4\r\nPING\r\nPING\r\n\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI", "NG\r\n+OK\r\n:1\r\n"}}
	r := NewReader(src, DefaultLimits)
	for i, reads := range []int{1, 1, 1, 2} {
		args, err := r.ReadCommand()
		if err != nil || string(args[0]) != "PING" || src.reads != reads {
			t.Fatalf("command %d: %q, %v after %d reads, want %d", i, args, err, src.reads, reads)
		}
	}
	for range 2 {
		if _, err := r.ReadValue(); err != nil || src.reads != 2 {
			t.Fatalf("value: %v after %d reads", err, src.reads)
		}
	}
}

// A deadline may pass within a request; the next call goes on with it. The other
// method must not take its place.
func TestResume(t *testing.T) {
	for _, parts := range [][]string{{"PI", "NG\r\n"}, {"*1\r\n$4\r\nPI", "NG\r\n"}, {"*1\r\n", "$4\r\nPING\r\n"}} {
		src := &script{chunks: parts[:1:1]}
		r := NewReader(src, DefaultLimits)
		if _, err := r.ReadCommand(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%q: %v", parts, err)
		}
		if _, err := r.ReadValue(); err != errMixed {
			t.Fatalf("%q: ReadValue: %v", parts, err)
		}
		src.chunks = parts[1:]
		if args, err := r.ReadCommand(); err != nil || string(args[0]) != "PING" {
			t.Fatalf("%q: %q, %v", parts, args, err)
		}
	}
	for _, parts := range [][]string{{"+PI", "NG\r\n"}, {"$4\r\nPI", "NG\r\n"}, {"*1\r\n", "$4\r\nPING\r\n"}} {
		src := &script{chunks: parts[:1:1]}
		r := NewReader(src, DefaultLimits)
		if _, err := r.ReadValue(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%q: %v", parts, err)
		}
		if _, err := r.ReadCommand(); err != errMixed {
			t.Fatalf("%q: ReadCommand: %v", parts, err)
		}
		src.chunks = parts[1:]
		if _, err := r.ReadValue(); err != nil {
			t.Fatalf("%q: %v", parts, err)
		}
	}
}

// What is read while nobody wants it is not lost.
func TestAwait(t *testing.T) {
	src := &script{chunks: []string{"PING a\r\nECHO", " b\r", "\nGET", " c\r\n"}}
	r := NewReader(src, DefaultLimits)
	for i, want := range []string{"PING a", "ECHO b", "GET c"} {
		args, err := r.ReadCommand()
		if err != nil || string(args[0])+" "+string(args[1]) != want {
			t.Fatalf("%q, %v, want %q", args, err, want)
		}
		if i > 0 {
			continue
		}
		for _, buffered := range []int{7, 11} {
			if err := r.Await(); err != nil || r.Buffered() != buffered {
				t.Fatalf("%v, %d bytes buffered, want %d", err, r.Buffered(), buffered)
			}
		}
	}
	for range 2 {
		if err := r.Await(); !errors.Is(err, os.ErrDeadlineExceeded) || r.Buffered() != 0 {
			t.Fatalf("%v, %d bytes buffered", err, r.Buffered())
		}
	}
}

// A source that never gives anything must not hang the reader.
func TestNoProgress(t *testing.T) {
	r := NewReader(silent{}, DefaultLimits)
	if _, err := r.ReadCommand(); err != io.ErrNoProgress {
		t.Fatal(err)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A length that is merely claimed must cost nothing. The buffer and the reader
// itself take 5 KB; any allocation by the claim would take megabytes.
func TestClaimsCostNothing(t *testing.T) {
	lims := map[string]Limits{"default": DefaultLimits, "none": NoLimits}
	ins := []string{
		"*1048576\r\n", "*1\r\n$67108864\r\n", "*1\r\n$9223372036854775807\r\n", "$9223372036854775807\r\n",
		"$9223372036854775800\r\n", "$67108864\r\n", "*9223372036854775807\r\n", "%4611686018427387903\r\n",
		"%524288\r\n", "~1048576\r\n", ">1048576\r\n", "=67108864\r\n", "*1048576\r\n*1048576\r\n*1048576\r\n",
	}
	for name, lim := range lims {
		for _, in := range ins {
			src := strings.NewReader(in)
			got := allocated(func() { _, _ = NewReader(src, lim).ReadCommand() })
			src.Reset(in)
			got += allocated(func() { _, _ = NewReader(src, lim).ReadValue() })
			got += allocated(func() { _, _, _ = ParseValue([]byte(in), lim) })
			if got > 64<<10 {
				t.Errorf("%q with limits %s: %d bytes allocated", in, name, got)
			}
		}
	}
}

// Memory follows what arrives: no more than some times it, at every moment.
func TestBufferFollowsArrival(t *testing.T) {
	const size = 8 << 20
	src := io.MultiReader(strings.NewReader("*1\r\n$8388608\r\n"), io.LimitReader(letters{}, size), strings.NewReader("\r\n"))
	var r *Reader
	seen := 0
	r = NewReader(readFunc(func(p []byte) (int, error) {
		if len(r.buf) > max(2*seen, minBuffer) {
			t.Fatalf("a buffer of %d bytes when %d have arrived", len(r.buf), seen)
		}
		n, err := src.Read(p)
		seen += n
		return n, err
	}), DefaultLimits)
	got := allocated(func() {
		if args, err := r.ReadCommand(); err != nil || len(args[0]) != size {
			t.Fatal(err)
		}
	})
	if got > 4*size+64<<10 { // doubling, and what the runtime adds
		t.Errorf("%d bytes allocated for a string of %d", got, size)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// letters is an endless source.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'v'
	}
	return len(p), nil
}

// Nulls in arrays are the dearest bytes to keep: Total must bound them.
func TestValuesAreBounded(t *testing.T) {
	lim := Limits{Total: 1 << 20}
	in := []byte("*1048576\r\n" + strings.Repeat("_\r\n", 1<<20))
	var err error
	if got := allocated(func() { _, _, err = ParseValue(in, lim) }); got > 8<<20 {
		t.Errorf("%d bytes allocated within a limit of %d", got, lim.Total)
	}
	if err != error(errTooLarge) {
		t.Error(err)
	}
}

// An idle connection holds a small buffer whatever it has been through.
func TestBufferShrinks(t *testing.T) {
	large := "*1\r\n$200000\r\n" + strings.Repeat("v", 200000) + "\r\n"
	burst := strings.Repeat("*1\r\n$4\r\nPING\r\n", 3000)
	many := "*2000\r\n" + strings.Repeat("$1\r\na\r\n", 2000)
	src := &script{}
	r := NewReader(src, DefaultLimits)
	drain := func(in string) {
		src.chunks = append(src.chunks, in)
		for {
			if _, err := r.ReadCommand(); err != nil {
				return
			}
		}
	}
	drain(large)
	if len(r.buf) != minBuffer {
		t.Errorf("after a large command: %d", len(r.buf))
	}
	for _, a := range r.args[:cap(r.args)] {
		if cap(a) > minBuffer {
			t.Error("an argument holds the large buffer in memory")
		}
	}
	drain(burst)
	if len(r.buf) <= minBuffer || len(r.buf) > maxAhead {
		t.Errorf("in a burst: %d", len(r.buf))
	}
	drain("PING\r\n")
	if len(r.buf) != minBuffer {
		t.Errorf("after a burst: %d", len(r.buf))
	}
	drain(many)
	if cap(r.args) > 1024 || cap(r.cmd.args) > 1024 {
		t.Errorf("after many arguments: %d, %d", cap(r.args), cap(r.cmd.args))
	}
}

// Large requests in small pieces must cost time in proportion. If each piece
// started over, these would take minutes.
func TestPiecesAreNotScannedAgain(t *testing.T) {
	ins := map[string]string{
		"bulk":   "*1\r\n$8388608\r\n" + strings.Repeat("v", 8<<20) + "\r\n",
		"args":   "*500000\r\n" + strings.Repeat("$1\r\na\r\n", 500000),
		"simple": "+" + strings.Repeat("v", 8<<20) + "\r\n",
		"array":  "*500000\r\n" + strings.Repeat("$1\r\na\r\n", 500000),
	}
	start := time.Now()
	for name, in := range ins {
		src := strings.NewReader(in)
		r := NewReader(readFunc(func(p []byte) (int, error) { return src.Read(p[:min(len(p), 64)]) }), DefaultLimits)
		var err error
		if name == "bulk" || name == "args" {
			_, err = r.ReadCommand()
		} else {
			_, err = r.ReadValue()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// repeat is a source that gives in over and over, never past its end in one call.
type repeat struct {
	in  string
	pos int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.in[r.pos:])
	r.pos = (r.pos + n) % len(r.in)
	return n, nil
}

var set = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$64\r\n" + strings.Repeat("v", 64) + "\r\n"

func TestReadCommandAllocatesNothing(t *testing.T) {
	r := NewReader(&repeat{in: strings.Repeat(set, 64)}, DefaultLimits)
	for range 1000 { // until the buffer has its size
		_, _ = r.ReadCommand()
	}
	if n := testing.AllocsPerRun(10000, func() {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a command", n)
	}
}
