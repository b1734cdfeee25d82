/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan as SVG 1.1: the picture of memory, to look at. Its ground is opaque, so that it is
 * readable on any page; the fills are told apart by lightness, too, and every piece is named. */
#include "kexec/lib/report.h"

#include <inttypes.h>
#include <string.h>

#include "kexec/lib/picture.h"

enum {
	WIDTH = 1000,
	BAR_AT = 190,
	BAR_WIDTH = 430,
	HEAD = 122, /* above the first piece */
	PIECE_HEIGHT = 18,
	COLUMN_HEIGHT = 5,
	MARGIN = 24,
	TEXT_MAX = 120, /* characters of a line at the top */
};

/* After Okabe and Ito, lightened so that dark text stands on each. */
static const char *const fill[PIECE_KINDS] = {
	[PIECE_NOTHING] = "#ffffff", [PIECE_LOADED] = "#7fb9e6",    [PIECE_COPIED] = "#c4e0f5",
	[PIECE_FREE] = "#e6f3df",    [PIECE_PROTECTED] = "#f5cb6b", [PIECE_HANDED_ON] = "#dccbee",
	[PIECE_DUMPED] = "#f3d3c3",  [PIECE_NOT_OURS] = "#c9c9c9",
};

/* At most TEXT_MAX characters, with what XML and terminals take for their own made harmless. */
static void print_escaped(FILE *to, const char *text)
{
	size_t length = strlen(text), shown = length > TEXT_MAX ? TEXT_MAX - 3 : length;

	for (size_t i = 0; i < shown; i++) {
		switch (text[i]) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		default:
			putc(text[i] < ' ' || text[i] > '~' ? '?' : text[i], to);
		}
	}
	if (shown < length)
		fputs("...", to);
}

static void print_line(FILE *to, int y, const char *name, const char *text)
{
	fprintf(to, "<text x=\"16\" y=\"%d\"><tspan font-weight=\"bold\">%s</tspan> ", y, name);
	print_escaped(to, text);
	fputs("</text>\n", to);
}

static int piece_height(const struct piece *piece)
{
	return PIECE_HEIGHT + COLUMN_HEIGHT * (picture_columns(piece->range) - 1);
}

static void print_legend(FILE *to, const struct picture *picture, int y)
{
	bool is_there[PIECE_KINDS] = { 0 };
	int x = 16;

	for (size_t i = 0; i < picture->count; i++)
		is_there[picture->piece[i].kind] = true;
	for (int kind = 0; kind < PIECE_KINDS; kind++) {
		const char *legend = piece_style((enum piece_kind)kind)->legend;

		if (!is_there[kind] || !legend)
			continue;
		fprintf(to,
			"<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"14\" fill=\"%s\" "
			"stroke=\"#555\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
			x, y - 12, fill[kind], x + 20, y, legend);
		x += 44 + 7 * (int)strlen(legend);
	}
}

static void print_piece(FILE *to, const struct piece *piece, int y)
{
	int height = piece_height(piece), middle = y + height / 2 + 4;

	fprintf(to,
		"<g><title>0x%" PRIx64 "-0x%" PRIx64 "</title><rect x=\"%d\" y=\"%d\" "
		"width=\"%d\" height=\"%d\" fill=\"%s\" stroke=\"#555\"%s/>",
		piece->range.start, piece->range.end, BAR_AT, y, BAR_WIDTH, height,
		fill[piece->kind], piece->kind == PIECE_NOTHING ? " stroke-dasharray=\"3 3\"" : "");
	fprintf(to, "<text x=\"%d\" y=\"%d\">", BAR_AT + 10, middle);
	print_escaped(to, piece->what);
	fprintf(to, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text></g>\n",
		BAR_AT + BAR_WIDTH - 10, middle, picture_size(range_size(piece->range)).text);
}

static void print_address(FILE *to, phys_t address, int y)
{
	fprintf(to,
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-family=\"monospace\">0x%012" PRIx64
		"</text>\n",
		BAR_AT - 8, y + 4, address);
}

/* Beside the pieces for which is_in() holds, which touch: a bracket and what it means. */
static void print_bracket(FILE *to, const struct picture *picture,
			  bool (*is_in)(const struct piece *piece), int x, const char *colour,
			  const char *name)
{
	int y = HEAD, top = 0, bottom = 0;
	struct range range = { 0, 0 };

	for (size_t i = 0; i < picture->count; i++) {
		const struct piece *piece = &picture->piece[i];

		if (is_in(piece)) {
			if (!bottom) {
				top = y;
				range.start = piece->range.start;
			}
			range.end = piece->range.end;
			bottom = y + piece_height(piece);
		}
		y += piece_height(piece);
	}
	if (!bottom)
		return;
	fprintf(to,
		"<path d=\"M%d %dh10V%dh-10\" fill=\"none\" stroke=\"%s\" stroke-width=\"3\"/>"
		"<text x=\"%d\" y=\"%d\" fill=\"%s\" font-weight=\"bold\">%s</text>"
		"<text x=\"%d\" y=\"%d\">%s</text>\n",
		x, top + 2, bottom - 2, colour, x + 18, top + 14, colour, name, x + 18, top + 30,
		picture_size(range_size(range)).text);
}

static bool is_in_footprint(const struct piece *piece)
{
	return piece->in_footprint;
}

static bool is_in_reservation(const struct piece *piece)
{
	return piece->in_reservation;
}

int report_svg(const struct report *report, FILE *to, struct err *err)
{
	struct picture picture CLEANUP(picture_done) = { 0 };
	const struct load *load = report->load;
	int y = HEAD, height = HEAD + MARGIN;

	if (picture_make(load, &picture, err))
		return -1;
	for (size_t i = 0; i < picture.count; i++)
		height += piece_height(&picture.piece[i]);
	fprintf(to,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" "
		"fill=\"#1a1a1a\">\n<title>Plan of a %s</title>\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
		WIDTH, height, WIDTH, height,
		range_is_valid(load->plan.reservation) ? "crash kernel" : "kernel", WIDTH, height);
	print_line(to, 24, "Kernel", report->kernel_path);
	print_line(to, 42, "Version", load->image.version);
	print_line(to, 60, "Command line", load->plan.cmdline);
	if (report->unread->count)
		print_line(to, 78, "INCOMPLETE", report->unread->text[0]);
	print_legend(to, &picture, 100);
	for (size_t i = 0; i < picture.count; i++) {
		print_piece(to, &picture.piece[i], y);
		print_address(to, picture.piece[i].range.start, y);
		y += piece_height(&picture.piece[i]);
	}
	if (picture.count)
		print_address(to, picture.piece[picture.count - 1].range.end, y);
	print_bracket(to, &picture, is_in_footprint, BAR_AT + BAR_WIDTH + 8, "#b3541e",
		      "the kernel's footprint");
	print_bracket(to, &picture, is_in_reservation, BAR_AT + BAR_WIDTH + 180, "#5b3a8c",
		      "crash reservation");
	fputs("</svg>\n", to);
	return 0;
}
