package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Render puts the tables of a results.json between their marks in
// docs/performance.md, and draws its plots.
func Render(results, docs string) error {
	r, err := Read(results)
	if err != nil {
		return err
	}
	path := filepath.Join(docs, "performance.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page := string(text)
	for _, part := range []struct{ name, text string }{
		{"run", r.about()}, {"goals", r.GoalTable()},
		{"cells", "![throughput by pipeline at each server](performance-servers.svg)\n\n" + r.CellTable()},
		{"growth", "![processor time of an operation by clients, elements and keys](performance-growth.svg)\n\n" + r.GrowthTable()},
	} {
		if page, err = replace(page, part.name, part.text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := r.drawServers(filepath.Join(docs, "performance-servers.svg")); err != nil {
		return err
	}
	if err := r.drawGrowth(filepath.Join(docs, "performance-growth.svg")); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(page), 0o644)
}

// replace puts text between the marks of a name.
func replace(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return "", fmt.Errorf("the marks %q and %q are not there", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return head + begin + text + end + tail, nil
}

// about says when, where and with what the run was made.
func (r *Run) about() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Commit %s, %s, %.0f minutes; %s. %d rounds, %.1f s for each cell.\n\n", r.Commit, r.Began, r.Minutes, r.Machine, r.Rounds, r.Seconds)
	for _, p := range r.Peers {
		fmt.Fprintf(&b, "- **%s**: %s", p.Name, p.What)
		if v := r.Versions[p.Name]; v != "" {
			fmt.Fprintf(&b, " (%s)", v)
		}
		b.WriteString(".\n")
	}
	if len(r.Failures) > 0 {
		fmt.Fprintf(&b, "\nWhat failed:\n\n- %s\n", strings.Join(r.Failures, "\n- "))
	}
	return b.String()
}
