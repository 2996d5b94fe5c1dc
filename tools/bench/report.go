package main

import (
	"gonum.org/v1/plot"
)

// Report is what a scenario has measured. The frame writes NAME.csv, NAME.json
// (what the summary is made of) and NAME-PLOT.png.
type Report struct {
	Title string   // heading of its section
	Text  []string // paragraphs: what was done, how often, what a row is

	Tables  []Table
	Figures []Figure
	Plots   []Plot `json:"-"`
	CSV     CSV    `json:"-"` // raw: a row per sample
}

// Table is one of the summary. Cells are text; the first column is left-aligned.
type Table struct {
	Caption string
	Header  []string
	Rows    [][]string
}

// Figure is what was measured for one target of issue 5.
type Figure struct {
	Target string // an ID of targets
	Case   string // which of several measured cases; empty when there is one
	Ours   string // of vrrpx, with its unit
	Theirs string // of keepalived in the same run; empty: has no such thing
	Met    bool
	Note   string // why it is missed, what the limit is
}

// Plot is a picture; File is its name after the scenario's, without ending.
type Plot struct {
	File, Title string
	Plot        *plot.Plot
}

// CSV is raw data.
type CSV struct {
	Header []string
	Rows   [][]string
}

// Add appends a row: numbers, durations (in milliseconds), words.
func (c *CSV) Add(cells ...any) { c.Rows = append(c.Rows, texts(cells)) }

// Add appends a row, as CSV.Add.
func (t *Table) Add(cells ...any) { t.Rows = append(t.Rows, texts(cells)) }
