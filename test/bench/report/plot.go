package report

import (
	"image/color"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colors tell lines apart, also for those who do not see red and green.
var colors = []color.RGBA{
	{0, 114, 178, 255}, {86, 180, 233, 255}, {213, 94, 0, 255}, {230, 159, 0, 255}, {0, 158, 115, 255}, {0, 0, 0, 255},
}

// A line is a named row of points, in the color of an index.
type line struct {
	name   string
	color  int
	points plotter.XYs
}

// short is the marks of a logarithmic axis, with short numbers.
type short struct{}

func (short) Ticks(low, high float64) (ticks []plot.Tick) {
	for _, t := range (plot.LogTicks{Prec: -1}).Ticks(low, high) {
		if t.Value < low || t.Value > high {
			continue // it would take room from the plot
		}
		if t.Label != "" {
			t.Label = round(t.Value)
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// round writes a number without zeros at its end, such as 10K.
func round(n float64) string {
	return strings.NewReplacer(".00M", "M", ".0K", "K").Replace(Count(n))
}

// marks are the values of x that points have.
func marks(lines []line) (ticks plot.ConstantTicks) {
	seen := map[float64]bool{}
	for _, l := range lines {
		for _, p := range l.points {
			if !seen[p.X] {
				seen[p.X] = true
				ticks = append(ticks, plot.Tick{Value: p.X, Label: round(p.X)})
			}
		}
	}
	return ticks
}

// upright makes the y axis logarithmic, with room for the legend above.
func upright(p *plot.Plot) {
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, short{}
	p.Y.Max *= 10
}

// panel makes a plot of some lines, on a logarithmic x axis.
func panel(title, x, y string, lines []line) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, marks(lines)
	p.Legend.Top, p.Legend.Left = true, true
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	for _, l := range lines {
		drawn, dots, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return nil, err
		}
		drawn.Color, dots.Color = colors[l.color], colors[l.color]
		drawn.Width, dots.Shape = vg.Points(1.5), draw.CircleGlyph{}
		p.Add(drawn, dots)
		p.Legend.Add(l.name, drawn, dots)
	}
	return p, nil
}

// drawServers shows throughput by pipeline, a panel for each kind of work.
func (r *Run) drawServers(path string) error {
	var panels []*plot.Plot
	for _, work := range []string{"SET", "GET", "LPUSH"} {
		var lines []line
		for i, peer := range r.Peers {
			l := line{name: peer.Name, color: i % len(colors)}
			for _, c := range r.Cells {
				if w := c.Work; c.Peer == peer.Name && w.Name == work && w.Size == 64 && w.Clients == 50 {
					l.points = append(l.points, plotter.XY{X: float64(w.Pipeline), Y: c.Median().Rate})
				}
			}
			if len(l.points) > 0 {
				lines = append(lines, l)
			}
		}
		if len(lines) == 0 {
			continue
		}
		p, err := panel(work+", 64 bytes, 50 clients", "pipeline", "per second", lines)
		if err != nil {
			return err
		}
		upright(p)
		panels = append(panels, p)
	}
	return drawRow(path, panels)
}

// drawGrowth shows the cost of an operation as something grows.
func (r *Run) drawGrowth(path string) error {
	var panels []*plot.Plot
	for _, of := range []struct{ title, x string }{{"clients", "clients"}, {"length of a list", "elements"}, {"number of keys", "keys"}} {
		var lines []line
		for i, work := range []string{"SET", "LPUSH-RPOP", "GET"} {
			l := line{name: work, color: i}
			for _, c := range r.Growth {
				if c.Work.Name == work && c.grows() == of.x {
					l.points = append(l.points, plotter.XY{X: c.size(), Y: 10 * c.Median().CPU})
				}
			}
			if len(l.points) > 0 {
				lines = append(lines, l)
			}
		}
		if len(lines) == 0 {
			continue
		}
		p, err := panel("cost by "+of.title, of.x, "CPU µs", lines)
		if err != nil {
			return err
		}
		if of.x == "clients" {
			upright(p)
		} else {
			p.Y.Min, p.Y.Max = 0, p.Y.Max*1.3
		}
		panels = append(panels, p)
	}
	return drawRow(path, panels)
}

// grows names what grows in the series of a cell.
func (c *Cell) grows() string {
	switch {
	case c.Work.Keys == 0:
		return "clients"
	case c.Work.Name == "LPUSH-RPOP":
		return "elements"
	}
	return "keys"
}

// drawRow draws panels side by side; none make no file.
func drawRow(path string, panels []*plot.Plot) error {
	if len(panels) == 0 {
		return nil
	}
	canvas := vgsvg.New(vg.Length(len(panels))*11*vg.Centimeter, 9*vg.Centimeter)
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: vg.Centimeter / 2}
	for i, c := range plot.Align([][]*plot.Plot{panels}, tiles, draw.New(canvas))[0] {
		panels[i].Draw(c)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
