package transcript

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Script is a Lua script on one line and its reply, each line of which follows
// behind "=> ", as Format shows it. A comment before it that starts with
// "# differs:" says that Redis answers otherwise, and why.
type Script struct {
	Line    int
	Code    string
	Want    string
	Differs bool
}

// A ScriptFile is a file of scripts. They are run in order, with the keys k and
// l and the arguments 1, two and 3.5.
type ScriptFile struct {
	Name    string
	Scripts []*Script
	text    []string // the lines, without the replies; a script's is empty
	at      []int    // where in text each script stands
}

// ScriptArgs are the arguments of EVAL behind a script.
var ScriptArgs = []string{"2", "k", "l", "1", "two", "3.5"}

// LoadScripts reads the script files in a directory, sorted by name.
func LoadScripts(dir string) ([]*ScriptFile, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var files []*ScriptFile
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, parseScripts(name, strings.TrimSuffix(string(data), "\n")))
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no scripts in %s", dir)
	}
	return files, nil
}

func parseScripts(name, data string) *ScriptFile {
	f := &ScriptFile{Name: name}
	differs := false
	for i, line := range strings.Split(data, "\n") {
		if reply, ok := strings.CutPrefix(line, "=> "); ok && len(f.Scripts) > 0 {
			f.Scripts[len(f.Scripts)-1].Want += reply + "\n"
			continue
		}
		f.text = append(f.text, line)
		switch {
		case strings.HasPrefix(line, "# differs:"):
			differs = true
		case line != "" && !strings.HasPrefix(line, "#"):
			f.at = append(f.at, len(f.text)-1)
			f.Scripts = append(f.Scripts, &Script{Line: i + 1, Code: line, Differs: differs})
			differs = false
		}
	}
	return f
}

// Save writes the file with the replies as they are now in Want.
func (f *ScriptFile) Save() error {
	var b bytes.Buffer
	next := 0
	for i, line := range f.text {
		b.WriteString(line + "\n")
		if next < len(f.at) && f.at[next] == i {
			for _, reply := range strings.Split(strings.TrimSuffix(f.Scripts[next].Want, "\n"), "\n") {
				b.WriteString("=> " + reply + "\n")
			}
			next++
		}
	}
	return os.WriteFile(f.Name, b.Bytes(), 0o644)
}
