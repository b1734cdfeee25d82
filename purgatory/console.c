/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "purgatory/machine.h"
#include "purgatory/purgatory.h"

enum {
	DEBUG_PORT = 0xe9,

	/* 8250 and successors: offsets from the base and bits, PC16550D data sheet. */
	UART_DATA = 0,
	UART_DIVISOR_LOW = 0,
	UART_DIVISOR_HIGH = 1,
	UART_INTERRUPT_ENABLE = 1,
	UART_FIFO_CONTROL = 2,
	UART_FIFO_ON_AND_CLEAR = 0x07,
	UART_LINE_CONTROL = 3,
	UART_8N1 = 0x03,
	UART_DIVISOR_LATCH = 0x80,
	UART_MODEM_CONTROL = 4,
	UART_DTR_RTS = 0x03,
	UART_LINE_STATUS = 5,
	UART_HOLDING_EMPTY = 0x20,
	UART_ALL_EMPTY = 0x40,
	UART_ABSENT = 0xff, /* what an empty bus reads as */

	/* A read of a port takes a microsecond on a real machine and up to ten where a
	 * hypervisor asks another process. At 2400 baud the 16 bytes of a FIFO have gone
	 * after 67,000 microseconds; one that takes longer four times is not waited for
	 * again. So a port that is stuck costs at most 0.5 or 5 seconds. */
	UART_POLLS = 0x20000,
	UART_TIMEOUTS = 4,

	VGA_GREY_ON_BLACK = 0x0700,
};

static struct {
	uint32_t consoles;
	uint16_t port;
	unsigned int uart_timeouts;
	unsigned int column; /* of the text screen's last row, where all is written */
	bool in_line;
} console;

/* --- serial port --------------------------------------------------------- */

static bool uart_wait(uint8_t bits)
{
	uint16_t port = (uint16_t)(console.port + UART_LINE_STATUS);

	for (unsigned int i = 0; i < UART_POLLS; i++) {
		if ((machine_in(port) & bits) == bits)
			return true;
		machine_pause();
	}
	if (++console.uart_timeouts == UART_TIMEOUTS)
		console.consoles &= ~(uint32_t)PURGATORY_CONSOLE_SERIAL;
	return false;
}

static void uart_put(uint8_t byte)
{
	if (console.consoles & PURGATORY_CONSOLE_SERIAL && uart_wait(UART_HOLDING_EMPTY))
		machine_out((uint16_t)(console.port + UART_DATA), byte);
}

static void uart_set(unsigned int which, unsigned int value)
{
	machine_out((uint16_t)(console.port + which), (uint8_t)value);
}

static void uart_init(uint16_t divisor)
{
	if (machine_in((uint16_t)(console.port + UART_LINE_STATUS)) == UART_ABSENT) {
		console.consoles &= ~(uint32_t)PURGATORY_CONSOLE_SERIAL;
		return;
	}
	if (!divisor)
		return;
	uart_set(UART_LINE_CONTROL, UART_8N1 | UART_DIVISOR_LATCH);
	uart_set(UART_DIVISOR_LOW, divisor & 0xff);
	uart_set(UART_DIVISOR_HIGH, divisor >> 8);
	uart_set(UART_LINE_CONTROL, UART_8N1);
	uart_set(UART_INTERRUPT_ENABLE, 0);
	uart_set(UART_FIFO_CONTROL, UART_FIFO_ON_AND_CLEAR);
	uart_set(UART_MODEM_CONTROL, UART_DTR_RTS);
}

/* --- text screen --------------------------------------------------------- */

static void vga_clear(unsigned int first_row)
{
	volatile uint16_t *screen = machine_vga_text();

	for (size_t i = (size_t)first_row * VGA_COLUMNS; i < VGA_ROWS * VGA_COLUMNS; i++)
		screen[i] = VGA_GREY_ON_BLACK | ' ';
	console.column = 0;
}

static void vga_scroll(void)
{
	volatile uint16_t *screen = machine_vga_text();

	for (size_t i = 0; i < (VGA_ROWS - 1) * VGA_COLUMNS; i++)
		screen[i] = screen[i + VGA_COLUMNS];
	vga_clear(VGA_ROWS - 1);
}

static void vga_put(uint8_t byte)
{
	if (byte == '\n') {
		vga_scroll();
		return;
	}
	if (console.column == VGA_COLUMNS)
		vga_scroll();
	machine_vga_text()[(VGA_ROWS - 1) * VGA_COLUMNS + console.column++] =
		(uint16_t)(VGA_GREY_ON_BLACK | byte);
}

/* Registers of a VGA, and their values in mode 3: 80 x 25 characters of 9 x 16 dots.
 * IBM VGA technical reference; the order of the tables is that of the indices. */
enum {
	VGA_ATTRIBUTE = 0x3c0,
	VGA_ATTRIBUTE_SCREEN_ON = 0x20,
	VGA_MISC = 0x3c2,
	VGA_MISC_MODE_3 = 0x67,
	VGA_SEQUENCER = 0x3c4,
	VGA_SEQUENCER_PLANES = 2,
	VGA_SEQUENCER_MEMORY = 4,
	VGA_MEMORY_BY_PLANE = 0x06,
	VGA_FONT_PLANE = 1 << 2,
	VGA_DAC_MASK = 0x3c6,
	VGA_DAC_INDEX = 0x3c8,
	VGA_DAC_DATA = 0x3c9,
	VGA_GRAPHICS = 0x3ce,
	VGA_GRAPHICS_MODE = 5,
	VGA_GRAPHICS_MISC = 6,
	VGA_MISC_AT_A0000 = 0x04,
	VGA_CRTC = 0x3d4,
	VGA_CRTC_VERTICAL_END = 0x11,
	VGA_CRTC_PROTECT = 0x80,
	VGA_STATUS = 0x3da,
	VGA_DAC_ENTRIES = 64,

	/* The adapter of Bochs and QEMU has modes of its own behind two ports, which hide the
	 * VGA's for as long as one is on: docs/specs/standard-vga.rst of QEMU. */
	DISPI_INDEX = 0x1ce,
	DISPI_DATA = 0x1cf,
	DISPI_ID = 0,
	DISPI_ID_MASK = 0xfff0,
	DISPI_IS_THERE = 0xb0c0,
	DISPI_ENABLE = 4,
};

static const uint8_t vga_sequencer[] = { 0x01, 0x00, 0x03, 0x00, 0x02 };
static const uint8_t vga_crtc[] = {
	0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
	0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
};
static const uint8_t vga_graphics[] = { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff };
static const uint8_t vga_attribute[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
	0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00,
};

static void vga_set(uint16_t port, unsigned int index, uint8_t value)
{
	machine_out(port, (uint8_t)index);
	machine_out((uint16_t)(port + 1), value);
}

static void vga_set_all(uint16_t port, const uint8_t *values, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		vga_set(port, i, values[i]);
}

static void dispi_off(void)
{
	machine_out16(DISPI_INDEX, DISPI_ID);
	if ((machine_in16(DISPI_DATA) & DISPI_ID_MASK) != DISPI_IS_THERE)
		return;
	machine_out16(DISPI_INDEX, DISPI_ENABLE);
	machine_out16(DISPI_DATA, 0);
}

/* A graphics mode has used the memory that the characters' dots are in, plane 2. The registers
 * are those of mode 3, and are so again. */
static void vga_load_font(void)
{
	vga_set(VGA_SEQUENCER, VGA_SEQUENCER_PLANES, VGA_FONT_PLANE);
	vga_set(VGA_SEQUENCER, VGA_SEQUENCER_MEMORY, VGA_MEMORY_BY_PLANE);
	vga_set(VGA_GRAPHICS, VGA_GRAPHICS_MODE, 0);
	vga_set(VGA_GRAPHICS, VGA_GRAPHICS_MISC, VGA_MISC_AT_A0000);
	for (unsigned int i = VGA_FONT_FIRST; i <= VGA_FONT_LAST; i++) {
		volatile uint8_t *to = machine_vga_font() + (size_t)i * VGA_CHARACTER_SIZE;

		for (unsigned int row = 0; row < VGA_CHARACTER_SIZE; row++)
			to[row] = row < VGA_FONT_ROWS ? vga_font[i - VGA_FONT_FIRST][row] : 0;
	}
	vga_set_all(VGA_GRAPHICS, vga_graphics, sizeof(vga_graphics));
	vga_set(VGA_SEQUENCER, VGA_SEQUENCER_PLANES, vga_sequencer[VGA_SEQUENCER_PLANES]);
	vga_set(VGA_SEQUENCER, VGA_SEQUENCER_MEMORY, vga_sequencer[VGA_SEQUENCER_MEMORY]);
}

static void vga_reset(void)
{
	dispi_off();
	/* Index 0 holds the sequencer in reset while the clock is chosen. */
	vga_set_all(VGA_SEQUENCER, vga_sequencer, sizeof(vga_sequencer));
	machine_out(VGA_MISC, VGA_MISC_MODE_3);
	vga_set(VGA_SEQUENCER, 0, 0x03);
	vga_set(VGA_CRTC, VGA_CRTC_VERTICAL_END,
		vga_crtc[VGA_CRTC_VERTICAL_END] & ~VGA_CRTC_PROTECT);
	vga_set_all(VGA_CRTC, vga_crtc, sizeof(vga_crtc));
	vga_set_all(VGA_GRAPHICS, vga_graphics, sizeof(vga_graphics));
	vga_load_font();

	/* Index and value go to one port in turn; reading the status makes the next
	 * one an index. */
	machine_in(VGA_STATUS);
	for (unsigned int i = 0; i < sizeof(vga_attribute); i++) {
		machine_out(VGA_ATTRIBUTE, (uint8_t)i);
		machine_out(VGA_ATTRIBUTE, vga_attribute[i]);
	}
	machine_out(VGA_ATTRIBUTE, VGA_ATTRIBUTE_SCREEN_ON);

	/* Colour n has two thirds of red, green and blue by its bits 2 to 0, and one
	 * third by its bits 5 to 3. */
	machine_out(VGA_DAC_MASK, 0xff);
	machine_out(VGA_DAC_INDEX, 0);
	for (unsigned int i = 0; i < VGA_DAC_ENTRIES; i++) {
		for (int bit = 2; bit >= 0; bit--)
			machine_out(VGA_DAC_DATA,
				    (uint8_t)((i >> bit & 1) * 0x2a + (i >> (bit + 3) & 1) * 0x15));
	}
	vga_clear(0);
}

/* --- all of them --------------------------------------------------------- */

static void put_raw(char c)
{
	uint8_t byte = (uint8_t)c;

	if (console.consoles & PURGATORY_CONSOLE_VGA)
		vga_put(byte);
	if (console.consoles & PURGATORY_CONSOLE_E9)
		machine_out(DEBUG_PORT, byte);
	if (byte == '\n')
		uart_put('\r');
	uart_put(byte);
}

static void put(char c)
{
	if (!console.in_line) {
		console.in_line = true;
		for (const char *prefix = "safekexec purgatory: "; *prefix; prefix++)
			put_raw(*prefix);
	}
	put_raw(c);
	if (c == '\n')
		console.in_line = false;
}

static void put_number(uint64_t number, unsigned int base, unsigned int width, char fill)
{
	char digits[20];
	unsigned int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	for (; width > count; width--)
		put(fill);
	while (count)
		put(digits[--count]);
}

void console_print(const char *format, ...)
{
	va_list arguments;

	if (!console.consoles)
		return;
	va_start(arguments, format);
	for (const char *p = format; *p; p++) {
		unsigned int width = 0;
		char fill = ' ';

		if (*p != '%') {
			put(*p);
			continue;
		}
		if (*++p == '0')
			fill = *p;
		for (; *p >= '0' && *p <= '9'; p++)
			width = width * 10 + (unsigned int)(*p - '0');
		if (*p == 's') {
			for (const char *text = va_arg(arguments, const char *); *text; text++)
				put(*text);
			continue;
		}
		p++;
		put_number(va_arg(arguments, uint64_t), *p == 'x' ? 16 : 10, width, fill);
	}
	va_end(arguments);
}

void console_flush(void)
{
	if (console.consoles & PURGATORY_CONSOLE_SERIAL)
		uart_wait(UART_ALL_EMPTY);
}

void console_init(const struct purgatory_params *params)
{
	console.consoles = params->flags & PURGATORY_NO_IO ? 0 : params->console;
	console.port = params->serial_port;
	console.uart_timeouts = 0;
	console.column = 0;
	console.in_line = false;
	if (params->flags & PURGATORY_RESET_VGA && !(params->flags & PURGATORY_NO_IO))
		vga_reset();
	else if (console.consoles & PURGATORY_CONSOLE_VGA)
		vga_scroll();
	if (console.consoles & PURGATORY_CONSOLE_SERIAL)
		uart_init(params->serial_divisor);
}
