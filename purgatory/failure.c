/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "purgatory/machine.h"
#include "purgatory/purgatory.h"

enum {
	/* PCI reset control register of the chipsets: PIIX3 and ICH data sheets, RST_CNT. */
	RESET_CONTROL_PORT = 0xcf9,
	RESET_CONTROL_HARD = 0x02,
	RESET_CONTROL_NOW = 0x04,
	/* Keyboard controller 8042: pulse the processor's reset line. */
	KEYBOARD_PORT = 0x64,
	KEYBOARD_INPUT_FULL = 0x02,
	KEYBOARD_PULSE_RESET = 0xfe,
	KEYBOARD_POLLS = 0x10000,
};

static uint64_t tsc_hz(const struct purgatory_params *params)
{
	return params->tsc_hz && params->tsc_hz <= PURGATORY_TSC_HZ_MAX ? params->tsc_hz
									: PURGATORY_TSC_HZ_ASSUMED;
}

static void wait_ticks(uint64_t ticks)
{
	uint64_t start = machine_tsc();

	while (machine_tsc() - start < ticks)
		machine_pause();
}

/* From the surest to the last resort. A reset takes a while to come: each means has
 * a tenth of a second before the next one is tried. */
static _Noreturn void reset(const struct purgatory_params *params)
{
	uint64_t a_while = tsc_hz(params) / 10;

	if (params->reset_port) {
		machine_out(params->reset_port, params->reset_value);
		wait_ticks(a_while);
	}
	machine_out(RESET_CONTROL_PORT, RESET_CONTROL_HARD);
	machine_out(RESET_CONTROL_PORT, RESET_CONTROL_HARD | RESET_CONTROL_NOW);
	wait_ticks(a_while);
	for (int i = 0; i < KEYBOARD_POLLS && machine_in(KEYBOARD_PORT) & KEYBOARD_INPUT_FULL; i++)
		machine_pause();
	machine_out(KEYBOARD_PORT, KEYBOARD_PULSE_RESET);
	wait_ticks(a_while);
	machine_triple_fault();
}

_Noreturn void purgatory_fail(const struct purgatory_params *params)
{
	if (params->flags & PURGATORY_NO_IO)
		machine_triple_fault();
	if (params->on_corruption == PURGATORY_ON_CORRUPTION_HALT) {
		console_print("halted\n");
		console_flush();
		machine_halt();
	}
	console_print("reset in");
	for (uint64_t left = params->reset_delay_s; left; left--) {
		console_print(" %lu", left);
		wait_ticks(tsc_hz(params));
	}
	console_print(" 0 s\n");
	console_flush();
	reset(params);
}

_Noreturn void purgatory_exception(const struct purgatory_params *params,
				   const struct exception_frame *frame)
{
	static unsigned int exceptions;

	exceptions++;
	if (exceptions > 2 || params->flags & PURGATORY_NO_IO)
		machine_triple_fault();
	if (exceptions > 1)
		reset(params);
	console_print("exception %lu at 0x%lx, error code 0x%lx, cr2 0x%lx\n", frame->vector,
		      frame->rip, frame->error, frame->cr2);
	purgatory_fail(params);
}
