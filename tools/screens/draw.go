package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// A cell of the screen in pixels.
const (
	cellWidth  = 8
	cellHeight = 16
	baseline   = 12
	margin     = 8
	fontSize   = 13 // of which a character of Go Mono is 8 pixels wide
)

// The sixteen colours, and what text has without one.
var (
	colours = [16]color.RGBA{
		{0x1b, 0x1d, 0x23, 255}, {0xf0, 0x71, 0x78, 255}, {0x8c, 0xd4, 0x77, 255}, {0xe8, 0xc3, 0x6a, 255},
		{0x7a, 0xa8, 0xf0, 255}, {0xc7, 0x92, 0xea, 255}, {0x74, 0xc8, 0xd6, 255}, {0xd7, 0xda, 0xe0, 255},
		{0x76, 0x7c, 0x8a, 255}, {0xff, 0x8b, 0x92, 255}, {0xa9, 0xe8, 0x94, 255}, {0xff, 0xdb, 0x86, 255},
		{0x9a, 0xc0, 0xff, 255}, {0xdc, 0xb0, 0xff, 255}, {0x93, 0xe0, 0xec, 255}, {0xff, 0xff, 0xff, 255},
	}
	foreground, background = colours[7], colours[0]
)

// pen is how text looks.
type pen struct {
	bold, dim, inverse bool
	colour             int // of the sixteen; -1: none
}

// set takes the parameters of an SGR sequence, ECMA-48 section 8.3.117.
func (p *pen) set(parameters string) {
	for _, s := range strings.Split(parameters, ";") {
		n, _ := strconv.Atoi(s) // empty is 0
		switch {
		case n == 0:
			*p = pen{colour: -1}
		case n == 1:
			p.bold = true
		case n == 2:
			p.dim = true
		case n == 7:
			p.inverse = true
		case n == 22:
			p.bold, p.dim = false, false
		case n == 27:
			p.inverse = false
		case n >= 30 && n <= 37:
			p.colour = n - 30
		case n == 39:
			p.colour = -1
		case n >= 90 && n <= 97:
			p.colour = n - 90 + 8
		}
	}
}

func (p pen) colours() (text, behind color.RGBA) {
	text, behind = foreground, background
	if p.colour >= 0 {
		text = colours[p.colour]
	}
	if p.dim {
		text = mix(text, behind, 10)
	}
	if p.inverse {
		text, behind = behind, text
	}
	return text, behind
}

// mix is so many sixteenths of one colour on another.
func mix(on, under color.RGBA, n int) color.RGBA {
	part := func(a, b uint8) uint8 { return uint8((int(a)*n + int(b)*(16-n)) / 16) }
	return color.RGBA{part(on.R, under.R), part(on.G, under.G), part(on.B, under.B), 255}
}

// canvas is a picture of a screen.
type canvas struct {
	*image.RGBA
	plain, bold font.Face
}

// paint draws what tmux capture-pane -e -N -p wrote.
func paint(text string) (*image.RGBA, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	wide := 0
	p := pen{colour: -1}
	for _, line := range lines {
		n := 0
		p.cells(line, func(rune) { n++ })
		wide = max(wide, n)
	}
	c := canvas{RGBA: image.NewRGBA(image.Rect(0, 0, wide*cellWidth+2*margin, len(lines)*cellHeight+2*margin))}
	for face, ttf := range map[*font.Face][]byte{&c.plain: gomono.TTF, &c.bold: gomonobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			return nil, err
		}
		if *face, err = opentype.NewFace(f, &opentype.FaceOptions{Size: fontSize, DPI: 72, Hinting: font.HintingFull}); err != nil {
			return nil, err
		}
	}
	draw.Draw(c, c.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
	p = pen{colour: -1}
	for y, line := range lines {
		x := 0
		p.cells(line, func(r rune) {
			c.cell(margin+x*cellWidth, margin+y*cellHeight, r, p)
			x++
		})
	}
	return c.RGBA, nil
}

// cells gives f each character of a line, for which p is how it looks: tmux says that
// once, for as many lines as it is so. vrrpx writes none that is wider than one cell.
func (p *pen) cells(line string, f func(rune)) {
	for line != "" {
		if rest, ok := strings.CutPrefix(line, "\x1b["); ok {
			parameters, after, ok := strings.Cut(rest, "m")
			if !ok {
				return
			}
			p.set(parameters)
			line = after
			continue
		}
		r, n := utf8.DecodeRuneInString(line)
		f(r)
		line = line[n:]
	}
}

// cell draws one character. Blocks and lines fill their cell, as in a terminal.
func (c *canvas) cell(x, y int, r rune, p pen) {
	text, behind := p.colours()
	fill := func(x0, y0, x1, y1 int, with color.RGBA) {
		draw.Draw(c, image.Rect(x+x0, y+y0, x+x1, y+y1), image.NewUniform(with), image.Point{}, draw.Src)
	}
	if p.inverse {
		fill(0, 0, cellWidth, cellHeight, behind)
	}
	switch {
	case r == ' ':
	case r >= '▁' && r <= '█': // one to eight eighths, from below
		fill(0, cellHeight-int(r-'▁'+1)*cellHeight/8, cellWidth, cellHeight, text)
	case r == '░':
		fill(0, 0, cellWidth, cellHeight, mix(text, behind, 4))
	case r == '─':
		fill(0, cellHeight/2, cellWidth, cellHeight/2+1, text)
	default:
		c.glyph(x, y, r, p.bold, text, behind)
	}
}

func (c *canvas) glyph(x, y int, r rune, bold bool, text, behind color.RGBA) {
	face := c.plain
	if bold {
		face = c.bold
	}
	to, mask, at, _, ok := face.Glyph(fixed.P(x, y+baseline), r)
	if !ok {
		return
	}
	for py := to.Min.Y; py < to.Max.Y; py++ {
		for px := to.Min.X; px < to.Max.X; px++ {
			_, _, _, a := mask.At(at.X+px-to.Min.X, at.Y+py-to.Min.Y).RGBA()
			if n := int(a >> 12); n > 0 { // sixteen shades: the palette has 256 colours
				c.SetRGBA(px, py, mix(text, behind, n+1))
			}
		}
	}
}

// save writes a screen as PNG, with a palette, which makes it small.
func save(path, text string) error {
	picture, err := paint(text)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, paletted(picture)); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func paletted(from *image.RGBA) image.Image {
	var palette color.Palette
	seen := map[color.RGBA]uint8{}
	to := image.NewPaletted(from.Bounds(), nil)
	for i := range to.Pix {
		px := color.RGBA{from.Pix[4*i], from.Pix[4*i+1], from.Pix[4*i+2], 255}
		n, ok := seen[px]
		if !ok {
			if len(palette) == 256 {
				return from
			}
			n = uint8(len(palette))
			palette, seen[px] = append(palette, px), n
		}
		to.Pix[i] = n
	}
	to.Palette = palette
	return to
}
