package main

import (
	"image/color"
	"testing"
)

func TestAScreenIsDrawn(t *testing.T) {
	picture, err := paint("\x1b[1;32m█\x1b[0m \x1b[7mx\x1b[0;33m\n▄░\x1b[39m─")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := picture.Bounds().Size().String(), "(40,48)"; got != want {
		t.Errorf("three cells on two lines are %s, want %s", got, want)
	}
	for _, p := range []struct {
		name string
		x, y int
		want color.RGBA
	}{
		{"a margin", 1, 1, background},
		{"a green block", 9, 9, colours[2]},
		{"nothing", 17, 9, background},
		{"behind inverse text", 24, 8, foreground},
		{"the upper half of half a block", 9, 25, background},
		{"its lower half", 9, 39, colours[3]},
		{"a shade", 17, 25, mix(colours[3], background, 4)},
		{"a line", 25, 32, foreground},
	} {
		if got := picture.RGBAAt(p.x, p.y); got != p.want {
			t.Errorf("%s at %d,%d is %v, want %v", p.name, p.x, p.y, got, p.want)
		}
	}
}
