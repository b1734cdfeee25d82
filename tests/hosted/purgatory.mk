# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of the purgatory are made of.

$(B)/tests/hosted/test-purgatory: $(B)/obj/tests/hosted/test-purgatory.c.o \
		$(patsubst %,$(B)/obj/purgatory/%.c.o,verify failure console vga_font elfcorehdr) \
		$(B)/obj/tests/hosted/purgatory-copy.o $(CORE)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(TEST_LIBRARIES) $(LIBRARIES) -o $@

# Under names that leave the C library's in place.
$(B)/obj/tests/hosted/purgatory-copy.o: purgatory/copy.S
	@mkdir -p $(@D)
	$(CC) -Dmemcpy=purgatory_memcpy -Dmemset=purgatory_memset -c $< -o $@

$(B)/obj/tests/hosted/test-purgatory-image.c.o: ALL_CFLAGS += \
	-DPURGATORY_ELF='"$(abspath $(B))/purgatory/purgatory.elf"'

$(B)/tests/hosted/test-purgatory-image: $(B)/obj/tests/hosted/test-purgatory-image.c.o \
		$(CORE) $(B)/purgatory/purgatory.elf
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $< $(CORE) $(TEST_LIBRARIES) $(LIBRARIES) -o $@

$(B)/obj/tests/hosted/test-purgatory-boot.c.o: ALL_CFLAGS += \
	-DPURGATORY_BOOT='"$(abspath $(B))/tests/hosted/purgatory-boot.elf"'

$(B)/tests/hosted/purgatory-boot.elf: tests/hosted/purgatory-boot.S tests/hosted/purgatory-boot.h
	@mkdir -p $(@D)
	$(CC) -m32 -I. -nostdlib -static -Wl,-Ttext=0x100000 -Wl,--build-id=none $< -o $@

$(B)/tests/hosted/test-purgatory-boot: $(B)/obj/tests/hosted/test-purgatory-boot.c.o \
		$(CORE) $(B)/tests/hosted/purgatory-boot.elf
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $< $(CORE) $(TEST_LIBRARIES) $(LIBRARIES) -o $@
