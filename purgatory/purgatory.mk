# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The purgatory: $(B)/purgatory/purgatory.bin goes into the loader by
# kexec/x86/purgatory_image.S, which is assembled with -I$(B)/purgatory;
# purgatory.elf is the same with symbols, for tests and debuggers.
#
# Uses CC, OBJCOPY and B. The sources of PURGATORY_SHARED are compiled hosted into
# the loader's core library too: what is verified is what was computed.

PURGATORY_SHARED := purgatory/sha256.c $(addprefix purgatory/sha256_,x86_64.S ni.S avx2.S avx512.S)
PURGATORY_SOURCES := purgatory/stage1.S purgatory/entry.S purgatory/verify.c purgatory/failure.c purgatory/console.c \
	purgatory/vga_font.c purgatory/elfcorehdr.c purgatory/copy.S $(PURGATORY_SHARED)
PURGATORY_OBJECTS := $(patsubst purgatory/%,$(B)/purgatory/%.o,$(PURGATORY_SOURCES))

# None of the user's CFLAGS: instrumentation, vector instructions and profiles have
# no place in code that runs without an operating system.
PURGATORY_CFLAGS := -std=gnu11 -O2 -I. -Iinclude -ffreestanding -fPIE -fvisibility=hidden \
	-march=x86-64 -mgeneral-regs-only -mno-red-zone -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -U_FORTIFY_SOURCE \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wimplicit-fallthrough -Wundef -Wpointer-arith
PURGATORY_LDFLAGS := -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,-T,purgatory/purgatory.lds \
	-Wl,--orphan-handling=error -Wl,--build-id=none -Wl,--no-undefined -Wl,--fatal-warnings

$(B)/purgatory/%.c.o: purgatory/%.c
	@mkdir -p $(@D)
	$(CC) $(PURGATORY_CFLAGS) -MMD -MP -c $< -o $@

$(B)/purgatory/%.S.o: purgatory/%.S
	@mkdir -p $(@D)
	$(CC) $(PURGATORY_CFLAGS) -MMD -MP -c $< -o $@

$(B)/purgatory/purgatory.elf: $(PURGATORY_OBJECTS) purgatory/purgatory.lds
	$(CC) $(PURGATORY_LDFLAGS) $(PURGATORY_OBJECTS) -o $@

$(B)/purgatory/purgatory.bin: $(B)/purgatory/purgatory.elf
	$(OBJCOPY) -O binary $< $@

-include $(PURGATORY_OBJECTS:.o=.d)
