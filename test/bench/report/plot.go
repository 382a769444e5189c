package report

import (
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colors tell lines apart, also for those who do not see red and green.
var colors = []color.RGBA{
	{0, 114, 178, 255}, {230, 159, 0, 255}, {204, 121, 167, 255}, {0, 158, 115, 255}, {86, 180, 233, 255}, {0, 0, 0, 255},
}

// A line is a named row of points.
type line struct {
	name   string
	points plotter.XYs
}

// panel makes a plot of some lines, on a logarithmic x axis.
func panel(title, x, y string, lines []line) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	p.BackgroundColor = color.White
	p.Add(plotter.NewGrid())
	for i, l := range lines {
		drawn, dots, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return nil, err
		}
		drawn.Color, dots.Color = colors[i%len(colors)], colors[i%len(colors)]
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
		for _, peer := range r.Peers {
			l := line{name: peer.Name}
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
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		panels = append(panels, p)
	}
	return drawRow(path, panels)
}

// drawGrowth shows the cost of an operation as something grows.
func (r *Run) drawGrowth(path string) error {
	var panels []*plot.Plot
	for _, of := range []struct{ title, x string }{{"clients", "clients"}, {"length of a list", "elements"}, {"number of keys", "keys"}} {
		var lines []line
		for _, work := range []string{"SET", "GET", "LPUSH-RPOP"} {
			l := line{name: work}
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
		p, err := panel("cost by "+of.title, of.x, "processor µs an operation, three nodes", lines)
		if err != nil {
			return err
		}
		p.Y.Min = 0
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
