/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The purgatory's own sources on a machine that this file plays: what they print,
 * which ports they touch and how they end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kexec/core/sha256.h"
#include "purgatory-abi.h"
#include "purgatory/machine.h"
#include "purgatory/purgatory.h"
#include "purgatory/sha256.h"

#define LINE "safekexec purgatory: "

/* --- the machine --------------------------------------------------------- */

enum end { ENTERED, HALTED, TRIPLE_FAULT, RESET_FADT, RESET_CF9, RESET_8042 };

enum uart { UART_IS_THERE, UART_IS_SLOW, UART_IS_STUCK, UART_IS_ABSENT };

enum { FADT_PORT = 0x5b2, FADT_VALUE = 0x5a, SERIAL = 0x2f8, SCREEN = VGA_COLUMNS * VGA_ROWS };

struct event {
	uint16_t port;
	uint16_t value;
};

static struct {
	jmp_buf end;
	enum uart uart;
	int vectors; /* times that they were switched on, less those off */
	bool wide;   /* those of more than 128 bits, too */
	bool keyboard_is_stuck, fadt_works, cf9_works, keyboard_works;
	void *copy_damages; /* the byte that a copy turns over, if it is in its destination */
	uint64_t tsc, tsc_reads;
	size_t nr_reads, nr_writes, nr_polls, nr_copies;
	struct event write[20000];
	char serial[8192], debug[8192];
	size_t serial_length, debug_length;
	uint16_t vga[3 * SCREEN]; /* the screen is the middle third */
	uint8_t font[VGA_CHARACTERS * VGA_CHARACTER_SIZE];
	bool dispi_is_there;
	uint16_t dispi_index, dispi_enable;
} machine;

volatile uint64_t machine_nmi_count;

uint8_t machine_in(uint16_t port)
{
	machine.nr_reads++;
	if (port == 0x64)
		return machine.keyboard_is_stuck ? 0xff : 0;
	if (port == SERIAL + 5) {
		machine.nr_polls++;
		switch (machine.uart) {
		case UART_IS_THERE:
			return 0x60;
		case UART_IS_SLOW:
			return machine.nr_polls % 1000 ? 0 : 0x60;
		case UART_IS_STUCK:
			return 0;
		case UART_IS_ABSENT:
			break;
		}
	}
	return 0xff;
}

void machine_out(uint16_t port, uint8_t value)
{
	assert_true(machine.nr_writes < 20000);
	machine.write[machine.nr_writes++] = (struct event){ port, value };
	if (port == SERIAL && machine.serial_length < sizeof(machine.serial) - 1)
		machine.serial[machine.serial_length++] = (char)value;
	if (port == 0xe9 && machine.debug_length < sizeof(machine.debug) - 1)
		machine.debug[machine.debug_length++] = (char)value;
	if (port == FADT_PORT && value == FADT_VALUE && machine.fadt_works)
		longjmp(machine.end, RESET_FADT);
	if (port == 0xcf9 && value == 0x06 && machine.cf9_works)
		longjmp(machine.end, RESET_CF9);
	if (port == 0x64 && value == 0xfe && machine.keyboard_works)
		longjmp(machine.end, RESET_8042);
}

/* The ports of Bochs' adapter. */
uint16_t machine_in16(uint16_t port)
{
	machine.nr_reads++;
	return port == 0x1cf && machine.dispi_is_there && machine.dispi_index == 0 ? 0xb0c5
										   : 0xffff;
}

void machine_out16(uint16_t port, uint16_t value)
{
	assert_true(machine.nr_writes < 20000);
	machine.write[machine.nr_writes++] = (struct event){ port, value };
	if (port == 0x1ce)
		machine.dispi_index = value;
	if (port == 0x1cf && machine.dispi_index == 4)
		machine.dispi_enable = value;
}

uint64_t machine_tsc(void)
{
	machine.tsc_reads++;
	return machine.tsc += 50000000;
}

void machine_pause(void)
{
}

void machine_copy(void *to, const void *from, size_t size)
{
	uint8_t *damaged = machine.copy_damages;

	machine.nr_copies++;
	memcpy(to, from, size);
	if (damaged >= (uint8_t *)to && damaged < (uint8_t *)to + size)
		*damaged ^= 0x10;
}

void machine_vectors_on(bool wide, struct machine_vectors *ret_before)
{
	machine.vectors++;
	machine.wide = wide;
	*ret_before = (struct machine_vectors){ .cr4 = 0x20 };
}

void machine_vectors_off(const struct machine_vectors *before)
{
	assert_int_equal(before->cr4, 0x20);
	machine.vectors--;
}

volatile uint16_t *machine_vga_text(void)
{
	return machine.vga + SCREEN;
}

/* Only what goes to plane 2 alone is a font. */
volatile uint8_t *machine_vga_font(void)
{
	static uint8_t nowhere[sizeof(machine.font)];
	uint8_t planes = 0, memory = 0, mode = 0xff, misc = 0xff;

	for (size_t i = 0; i + 1 < machine.nr_writes; i++) {
		const struct event *write = &machine.write[i];
		uint8_t value = (uint8_t)write[1].value;

		if (write->port == 0x3c4 && write->value == 2)
			planes = value;
		if (write->port == 0x3c4 && write->value == 4)
			memory = value;
		if (write->port == 0x3ce && write->value == 5)
			mode = value;
		if (write->port == 0x3ce && write->value == 6)
			misc = value;
	}
	return planes == 4 && memory == 6 && mode == 0 && (misc & 0xc) == 4 ? machine.font
									    : nowhere;
}

_Noreturn void machine_halt(void)
{
	longjmp(machine.end, HALTED);
}

_Noreturn void machine_triple_fault(void)
{
	longjmp(machine.end, TRIPLE_FAULT);
}

static void machine_init(void)
{
	memset(&machine, 0, sizeof(machine));
	machine_nmi_count = 0;
	for (size_t i = 0; i < 3 * SCREEN; i++)
		machine.vga[i] = (uint16_t)(0x4100 + i % 64);
}

/* --- a naive SHA-256 to compare with, FIPS 180-4 as it is written ----------- */

static uint32_t ror(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

static void reference_block(uint32_t state[8], const uint8_t block[64])
{
	static const uint32_t k[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
		0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
		0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
		0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
		0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
		0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
		0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
		0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
		0xc67178f2,
	};
	uint32_t w[64], v[8];

	for (int t = 0; t < 16; t++)
		w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
		       (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
	for (int t = 16; t < 64; t++)
		w[t] = (ror(w[t - 2], 17) ^ ror(w[t - 2], 19) ^ w[t - 2] >> 10) + w[t - 7] +
		       (ror(w[t - 15], 7) ^ ror(w[t - 15], 18) ^ w[t - 15] >> 3) + w[t - 16];
	memcpy(v, state, sizeof(v));
	for (int t = 0; t < 64; t++) {
		uint32_t t1 = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) +
			      ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[t] + w[t];
		uint32_t t2 = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) +
			      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		state[i] += v[i];
}

static void reference(const void *data, size_t size, uint8_t digest[32])
{
	uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	size_t padded = (size + 9 + 63) / 64 * 64;
	uint8_t *message = calloc(1, padded);

	assert_non_null(message);
	if (size)
		memcpy(message, data, size);
	message[size] = 0x80;
	for (int i = 0; i < 8; i++)
		message[padded - 1 - (size_t)i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
	for (size_t at = 0; at < padded; at += 64)
		reference_block(state, message + at);
	for (int i = 0; i < 32; i++)
		digest[i] = (uint8_t)(state[i / 4] >> (24 - i % 4 * 8));
	free(message);
}

static uint64_t random_state = 1;

static uint8_t random_byte(void)
{
	random_state = random_state * 6364136223846793005U + 1442695040888963407U;
	return (uint8_t)(random_state >> 56);
}

static uint8_t *random_bytes(size_t size)
{
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = random_byte();
	return bytes;
}

static void assert_hex(const uint8_t digest[32], const char *expected)
{
	char hex[65];

	for (size_t i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	assert_string_equal(hex, expected);
}

/* Each way of its own, where this processor has it. */
static const uint32_t every_hash[] = { 0, PURGATORY_HASH_SHA_NI, PURGATORY_HASH_AVX2,
				       PURGATORY_HASH_AVX512 };

enum { EVERY_HASH = sizeof(every_hash) / sizeof(every_hash[0]) };

static bool is_here(uint32_t hash)
{
	return (hash & ~sha256_hashes()) == 0;
}

/* The examples of FIPS 180-4 (NIST's "SHA256.pdf") and the first of SHA256ShortMsg.rsp. */
static void test_sha256_published(void **state)
{
	static const struct {
		const char *message;
		size_t size;
		const char *digest;
	} vector[] = {
		{ "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "\xd3", 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1" },
		{ "\x11\xaf", 2,
		  "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98" },
		{ "\xb4\x19\x0e", 3,
		  "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2" },
	};
	uint8_t digest[SHA256_LANES_MAX][32], *million = malloc(1000000);
	uint8_t messages[SHA256_LANES_MAX * 64];

	(void)state;
	assert_non_null(million);
	memset(million, 'a', 1000000);
	for (size_t hash = 0; hash < EVERY_HASH; hash++) {
		if (!is_here(every_hash[hash]))
			continue;
		for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
			for (size_t lane = 0; lane < SHA256_LANES_MAX; lane++)
				memcpy(messages + lane * vector[i].size, vector[i].message,
				       vector[i].size);
			purgatory_sha256_many(every_hash[hash], messages, vector[i].size,
					      SHA256_LANES_MAX, digest);
			for (size_t lane = 0; lane < SHA256_LANES_MAX; lane++)
				assert_hex(digest[lane], vector[i].digest);
		}
		purgatory_sha256(every_hash[hash], million, 1000000, digest[0]);
		assert_hex(digest[0],
			   "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	}
	free(million);
}

/* Messages of every size and alignment, in every number: none is read or written beyond. */
static void reference_of(uint32_t hash)
{
	enum { MOST = 2 * SHA256_LANES_MAX + 1 };
	uint8_t *bytes = random_bytes(400000), expected[32], digest[MOST + 1][32];

	if (!is_here(hash)) {
		free(bytes);
		skip();
	}
	for (size_t size = 0; size <= 330; size++) {
		const uint8_t *from = bytes + size % 67;
		size_t count = 1 + size % MOST;

		memset(digest, 0x5a, sizeof(digest));
		purgatory_sha256_many(hash, from, size, count, digest);
		for (size_t i = 0; i < count; i++) {
			reference(from + i * size, size, expected);
			assert_memory_equal(digest[i], expected, 32);
		}
		for (size_t i = 0; i < 32; i++)
			assert_int_equal(digest[count][i], 0x5a);
	}
	for (size_t count = 1; count <= 5; count++) {
		size_t size = 65537 + count * 1951;

		purgatory_sha256_many(hash, bytes, size, count, digest);
		for (size_t i = 0; i < count; i++) {
			reference(bytes + i * size, size, expected);
			assert_memory_equal(digest[i], expected, 32);
		}
	}
	free(bytes);
}

static void test_sha256_baseline(void **state)
{
	(void)state;
	reference_of(0);
}

static void test_sha256_sha_ni(void **state)
{
	(void)state;
	reference_of(PURGATORY_HASH_SHA_NI);
}

static void test_sha256_avx2(void **state)
{
	(void)state;
	reference_of(PURGATORY_HASH_AVX2);
}

static void test_sha256_avx512(void **state)
{
	(void)state;
	reference_of(PURGATORY_HASH_AVX512);
}

/* Messages that end where the memory does, and begin where it does. */
static void test_sha256_reads_no_more(void **state)
{
	enum { PAGE = 4096 };
	uint8_t *pages =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t digest[SHA256_LANES_MAX][32], expected[32];

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	memset(pages + PAGE, 0x3c, PAGE);
	assert_int_equal(mprotect(pages, PAGE, PROT_NONE), 0);
	assert_int_equal(mprotect(pages + 2 * PAGE, PAGE, PROT_NONE), 0);
	for (size_t hash = 0; hash < EVERY_HASH; hash++) {
		if (!is_here(every_hash[hash]))
			continue;
		for (size_t count = 1; count <= SHA256_LANES_MAX; count++) {
			for (size_t size = 60; size <= 200 && size * count <= PAGE; size++) {
				reference(pages + PAGE, size, expected);
				purgatory_sha256_many(every_hash[hash], pages + PAGE, size, count,
						      digest);
				assert_memory_equal(digest[0], expected, 32);
				purgatory_sha256_many(every_hash[hash],
						      pages + 2 * PAGE - count * size, size, count,
						      digest);
				assert_memory_equal(digest[count - 1], expected, 32);
			}
		}
	}
	munmap(pages, 3 * PAGE);
}

static void test_sha256_choice(void **state)
{
	uint8_t digest[32];

	(void)state;
	assert_string_equal(purgatory_sha256_name(PURGATORY_HASH_ALL, 16), "avx512");
	assert_string_equal(purgatory_sha256_name(PURGATORY_HASH_ALL, 1), "sha-ni");
	assert_string_equal(purgatory_sha256_name(PURGATORY_HASH_SHA_NI | PURGATORY_HASH_AVX2, 16),
			    "sha-ni");
	assert_string_equal(purgatory_sha256_name(PURGATORY_HASH_AVX2 | PURGATORY_HASH_AVX512, 8),
			    "avx2");
	assert_string_equal(purgatory_sha256_name(PURGATORY_HASH_AVX512, 8), "avx512");
	assert_string_equal(purgatory_sha256_name(PURGATORY_HASH_AVX2 | PURGATORY_HASH_AVX512, 1),
			    "baseline");
	assert_string_equal(purgatory_sha256_name(0, 16), "baseline");
	/* Of a set with unknown members those count that are known. */
	assert_string_equal(purgatory_sha256_name(~(uint32_t)PURGATORY_HASH_ALL, 16), "baseline");
	sha256("abc", 3, digest);
	assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Nothing is written but the digest, and no block but the given ones is read. */
static void test_sha256_bounds(void **state)
{
	uint32_t words[10] = { 0x01020304, 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19, 0x05060708 };
	uint32_t before[10], expected[8];
	uint8_t *block = random_bytes(128);

	(void)state;
	memcpy(before, words, sizeof(words));
	sha256_blocks_x86_64(words + 1, block, 0);
	assert_memory_equal(words, before, sizeof(words));
	memcpy(expected, words + 1, sizeof(expected));
	reference_block(expected, block);
	reference_block(expected, block + 64);
	sha256_blocks_x86_64(words + 1, block, 2);
	assert_memory_equal(words + 1, expected, sizeof(expected));
	assert_int_equal(words[0], 0x01020304);
	assert_int_equal(words[9], 0x05060708);
	free(block);
}

/* --- purgatory/copy.S, whose functions have another name here ------------- */

void *purgatory_memcpy(void *to, const void *from, size_t size);
void *purgatory_memset(void *to, int byte, size_t size);

static void test_copy(void **state)
{
	uint8_t *from = random_bytes(128), *before = random_bytes(128), to[128], expected[128];

	(void)state;
	for (size_t size = 0; size <= 70; size++) {
		for (size_t at = 1; at < 10; at++) {
			memcpy(to, before, sizeof(to));
			memcpy(expected, before, sizeof(to));
			memcpy(expected + at, from + 3, size);
			assert_ptr_equal(purgatory_memcpy(to + at, from + 3, size), to + at);
			assert_memory_equal(to, expected, sizeof(to));

			memset(expected + at, 0xc3, size);
			assert_ptr_equal(purgatory_memset(to + at, 0x7c3, size), to + at);
			assert_memory_equal(to, expected, sizeof(to));
		}
	}
	free(before);
	free(from);
}

/* --- a loaded purgatory -------------------------------------------------- */

enum { REGIONS = 5, CHUNKS = 1 + 1 + 1 + 2 + 4, PADDING = 4096, ZERO = 300 };

static const size_t region_size[REGIONS] = { 1, 64, PURGATORY_CHUNK_SIZE, PURGATORY_CHUNK_SIZE + 1,
					     3 * PURGATORY_CHUNK_SIZE + 17 };
static const char *const region_name[REGIONS] = { "first", "params", "kernel", "initrd",
						  "last, of 22 characters" };

struct loaded {
	struct purgatory_params params;
	uint32_t own_repaired;
	struct {
		struct purgatory_region region[REGIONS];
		uint8_t digest[CHUNKS][PURGATORY_DIGEST_SIZE];
	} tables;
	uint8_t *memory[REGIONS];      /* each with PADDING after its size */
	uint8_t *destination[REGIONS]; /* the odd ones have one */
};

static int loaded_setup(void **state)
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));
	uint32_t chunk = 0;

	assert_non_null(loaded);
	for (uint32_t i = 0; i < REGIONS; i++) {
		struct purgatory_region *region = &loaded->tables.region[i];

		loaded->memory[i] = random_bytes(region_size[i] + PADDING);
		*region = (struct purgatory_region){
			.src = (uintptr_t)loaded->memory[i],
			.dst = (uintptr_t)loaded->memory[i],
			.size = region_size[i],
			.first_chunk = chunk,
			.segment = 10 + i,
		};
		strcpy(region->name, region_name[i]);
		if (i % 2) {
			loaded->destination[i] = random_bytes(region_size[i] + PADDING);
			region->dst = (uintptr_t)loaded->destination[i];
			region->zero = ZERO;
		}
		for (size_t at = 0; at < region_size[i]; at += PURGATORY_CHUNK_SIZE) {
			size_t left = region_size[i] - at;

			reference(loaded->memory[i] + at,
				  left < PURGATORY_CHUNK_SIZE ? left : PURGATORY_CHUNK_SIZE,
				  loaded->tables.digest[chunk++]);
		}
	}
	assert_int_equal(chunk, CHUNKS);
	loaded->params = (struct purgatory_params){
		.magic = PURGATORY_MAGIC,
		.version = PURGATORY_ABI_VERSION,
		.params_size = sizeof(loaded->params),
		.entry_rip = 0x123456200,
		.regions = (uintptr_t)loaded->tables.region,
		.digests = (uintptr_t)loaded->tables.digest,
		.nr_regions = REGIONS,
		.nr_chunks = CHUNKS,
		.on_corruption = PURGATORY_ON_CORRUPTION_HALT,
		.reset_delay_s = 3,
		.tsc_hz = 1000000000,
		.console = PURGATORY_CONSOLE_E9,
		.serial_port = SERIAL,
		.reset_port = FADT_PORT,
		.reset_value = FADT_VALUE,
	};
	reference(&loaded->tables, sizeof(loaded->tables), loaded->params.tables_digest);
	*state = loaded;
	machine_init();
	return 0;
}

static int loaded_teardown(void **state)
{
	struct loaded *loaded = *state;

	for (uint32_t i = 0; i < REGIONS; i++) {
		free(loaded->memory[i]);
		free(loaded->destination[i]);
	}
	free(loaded);
	return 0;
}

static enum end run(const struct loaded *loaded)
{
	int end = setjmp(machine.end);

	if (!end)
		purgatory_main(&loaded->params, loaded->own_repaired);
	return (enum end)end;
}

/* What is printed first and last of a good run. */
#define VERIFYING LINE "verifying 5 segments, 2 MiB, baseline\n"
#define ENTERING  LINE "all verified, entering the kernel at 0x123456200\n"

static void test_good(void **state)
{
	struct loaded *loaded = *state;

	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.debug, VERIFYING ENTERING);
	assert_int_equal(machine.nr_copies, 2);
	/* Nothing but the debug port was touched. */
	assert_int_equal(machine.nr_reads, 0);
	assert_int_equal(machine.nr_writes, machine.debug_length);
	assert_int_equal(machine.tsc_reads, 0);
}

/* A bit in each chunk of each region is found by every way of hashing, and told. */
static void test_every_hash_finds_damage(void **state)
{
	struct loaded *loaded = *state;
	char name[64];

	for (size_t hash = 0; hash < EVERY_HASH; hash++) {
		if (!is_here(every_hash[hash]))
			continue;
		loaded->params.hashes = every_hash[hash];
		machine_init();
		assert_int_equal(run(loaded), ENTERED);
		snprintf(name, sizeof(name), ", 2 MiB, %s\n",
			 purgatory_sha256_name(every_hash[hash], SHA256_LANES_MAX));
		assert_non_null(strstr(machine.debug, name));
		assert_int_equal(machine.vectors, 0);
		assert_int_equal(machine.wide, !!(every_hash[hash] &
						  (PURGATORY_HASH_AVX2 | PURGATORY_HASH_AVX512)));
		for (uint32_t i = 0; i < REGIONS; i++) {
			for (size_t at = 0; at < region_size[i]; at += PURGATORY_CHUNK_SIZE) {
				machine_init();
				loaded->memory[i][at] ^= 1;
				assert_int_equal(run(loaded), HALTED);
				snprintf(name, sizeof(name), "segment %u ",
					 loaded->tables.region[i].segment);
				assert_non_null(strstr(machine.debug, name));
				snprintf(name, sizeof(name), "bytes at offset 0x%zx of its source",
					 at);
				assert_non_null(strstr(machine.debug, name));
				loaded->memory[i][at] ^= 1;
			}
		}
	}
}

static void test_report(void **state)
{
	struct purgatory_report report = { 0 };
	struct loaded *loaded = *state;

	loaded->params.report = (uintptr_t)&report;
	machine_nmi_count = 3;
	assert_int_equal(run(loaded), ENTERED);
	assert_int_equal(report.version, PURGATORY_REPORT_VERSION);
	assert_int_equal(report.nr_regions, REGIONS);
	assert_int_equal(report.nr_chunks, CHUNKS + 3);
	assert_int_equal(report.bytes, region_size[0] + region_size[1] + region_size[2] +
					       region_size[3] + region_size[4]);
	assert_int_equal(report.nmis, 3);
	assert_int_equal(report.tsc_exit - report.tsc_entry, 50000000);
	assert_int_equal(report.tsc_hz, 1000000000);

	/* A damaged image leaves none. */
	report = (struct purgatory_report){ 0 };
	loaded->memory[2][0] ^= 1;
	assert_int_equal(run(loaded), HALTED);
	assert_int_equal(report.version, 0);
}

/* Damage at a few places of every region's source: taken from the spare, and told. */
static void test_repair(void **state)
{
	struct purgatory_report report = { 0 };
	struct loaded *loaded = *state;
	uint8_t *spare[REGIONS];

	loaded->params.report = (uintptr_t)&report;
	for (uint32_t i = 0; i < REGIONS; i++) {
		spare[i] = malloc(region_size[i]);
		memcpy(spare[i], loaded->memory[i], region_size[i]);
		loaded->tables.region[i].spare = (uintptr_t)spare[i];
	}
	reference(&loaded->tables, sizeof(loaded->tables), loaded->params.tables_digest);
	for (uint32_t i = 0; i < REGIONS; i++) {
		size_t last = region_size[i] - 1;
		char told[200];

		machine_init();
		loaded->memory[i][last] ^= 0x10;
		assert_int_equal(run(loaded), ENTERED);
		assert_memory_equal(loaded->memory[i], spare[i], region_size[i]);
		snprintf(told, sizeof(told),
			 LINE "segment %u (%s) repaired: 0x%zx bytes at offset 0x%zx\n", 10 + i,
			 region_name[i], last % PURGATORY_CHUNK_SIZE + 1,
			 last - last % PURGATORY_CHUNK_SIZE);
		assert_non_null(strstr(machine.debug, told));
		assert_int_equal(report.nr_repaired, 1);
		assert_int_equal(report.repaired_offset, last - last % PURGATORY_CHUNK_SIZE);
		assert_string_equal(report.repaired_name, region_name[i]);

		/* Both bad: the kernel is not entered. */
		machine_init();
		loaded->memory[i][last] ^= 0x10;
		spare[i][last] ^= 0x01;
		assert_int_equal(run(loaded), HALTED);
		assert_non_null(strstr(machine.debug, " is damaged: "));
		/* A bad spare of a good segment hurts nobody. */
		machine_init();
		loaded->memory[i][last] ^= 0x10;
		assert_int_equal(run(loaded), ENTERED);
		assert_string_equal(machine.debug, VERIFYING ENTERING);
		spare[i][last] ^= 0x01;
	}
	loaded->own_repaired = 1;
	machine_init();
	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.debug,
			    LINE "the purgatory itself was repaired\n" VERIFYING ENTERING);
	assert_int_equal(report.own_repaired, 1);
	for (uint32_t i = 0; i < REGIONS; i++)
		free(spare[i]);
}

enum { NOTES = 3, LOADS = 3, HEADERS = NOTES + 1 + LOADS };

struct core_header {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[HEADERS];
};

/* As the kernel writes it: notes, its own text, RAM; the low one backed up elsewhere. */
static void core_header(struct core_header *to)
{
	static const Elf64_Phdr load[1 + LOADS] = {
		{ .p_paddr = 0x1000000, .p_vaddr = 0xffffffff81000000, .p_memsz = 0x2000000 },
		{ .p_paddr = 0x1000, .p_vaddr = 0xffff888000001000, .p_memsz = 0x9e000 },
		{ .p_paddr = 0x100000, .p_vaddr = 0xffff888000100000, .p_memsz = 0x10000000 },
		{ .p_paddr = 0x20000000, .p_vaddr = 0xffff888020000000, .p_memsz = 0x1000 },
	};

	memset(to, 0, sizeof(*to));
	to->ehdr = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = HEADERS,
	};
	for (int i = 0; i < HEADERS; i++) {
		Elf64_Phdr *phdr = &to->phdr[i];

		if (i < NOTES) {
			*phdr = (Elf64_Phdr){ .p_type = PT_NOTE, .p_memsz = 0x168 };
			phdr->p_paddr = 0x3f000400 + (uint64_t)i * 0x10000;
		} else {
			*phdr = load[i - NOTES];
			phdr->p_type = PT_LOAD;
			phdr->p_flags = PF_R | PF_W | PF_X;
		}
		phdr->p_filesz = phdr->p_memsz;
		phdr->p_offset = i == NOTES + 1 ? 0x2f000000 : phdr->p_paddr;
	}
}

/* Every bit that the capture kernel reads for the dump; not flags and the like, which it does not. */
static bool bit_matters(size_t bit)
{
	size_t byte = bit / 8, field = (byte - sizeof(Elf64_Ehdr)) % sizeof(Elf64_Phdr);
	size_t index = (byte - sizeof(Elf64_Ehdr)) / sizeof(Elf64_Phdr);

	if (byte < sizeof(Elf64_Ehdr))
		return byte < offsetof(Elf64_Ehdr, e_entry) ||
		       (byte >= offsetof(Elf64_Ehdr, e_phoff) &&
			byte < offsetof(Elf64_Ehdr, e_shoff)) ||
		       (byte >= offsetof(Elf64_Ehdr, e_ehsize) &&
			byte < offsetof(Elf64_Ehdr, e_phnum));
	if (field >= offsetof(Elf64_Phdr, p_flags) && field < offsetof(Elf64_Phdr, p_offset))
		return false;
	if (field >= offsetof(Elf64_Phdr, p_vaddr) && field < offsetof(Elf64_Phdr, p_paddr))
		return index > NOTES; /* of RAM: one distance */
	/* Of the backed-up one, where it is now cannot be told. */
	if (field < offsetof(Elf64_Phdr, p_vaddr) && field >= offsetof(Elf64_Phdr, p_offset))
		return index != NOTES + 1;
	return field < offsetof(Elf64_Phdr, p_align);
}

static void test_core_header_is_sound(void **state)
{
	struct core_header header;
	uint8_t *bytes = (void *)&header, *half;
	size_t unseen = 0;

	(void)state;
	core_header(&header);
	assert_true(elfcorehdr_is_sound(&header, sizeof(header)));
	assert_false(elfcorehdr_is_sound(&header, sizeof(header) - 1));
	for (size_t bit = 0; bit < 8 * sizeof(header); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (bit_matters(bit) && elfcorehdr_is_sound(&header, sizeof(header)))
			fail_msg("bit %zu of byte 0x%zx", bit % 8, bit / 8);
		unseen += elfcorehdr_is_sound(&header, sizeof(header));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_in_range(unseen, 1, 8 * sizeof(header) / 2);
	/* In less than a header's room, none of what is not there is read. */
	half = malloc(sizeof(header.ehdr) / 2);
	memcpy(half, &header, sizeof(header.ehdr) / 2);
	assert_false(elfcorehdr_is_sound(half, sizeof(header.ehdr) / 2));
	free(half);
	/* What memory hot-added later looks like, and what is gone. */
	header.ehdr.e_phnum--;
	assert_true(elfcorehdr_is_sound(&header, sizeof(header)));
	header.ehdr.e_phnum = 0;
	assert_false(elfcorehdr_is_sound(&header, sizeof(header)));
}

/* One that the running kernel rewrote is kept as it is; a damaged one is what was loaded. */
static void test_core_header_rewritten(void **state)
{
	struct loaded *loaded = *state;
	struct purgatory_region *region = &loaded->tables.region[2];
	struct core_header *header = (void *)loaded->memory[2];
	uint8_t *spare = malloc(region->size);

	memcpy(spare, loaded->memory[2], region->size);
	region->spare = (uintptr_t)spare;
	region->room = region->size + PADDING;
	reference(&loaded->tables, sizeof(loaded->tables), loaded->params.tables_digest);
	core_header(header);
	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.debug, VERIFYING ENTERING);
	assert_true(elfcorehdr_is_sound(header, region->room));

	machine_init();
	header->phdr[0].p_memsz++;
	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.debug, VERIFYING LINE
			    "segment 12 (kernel) repaired: 0x40000 bytes at offset 0x0\n" ENTERING);
	assert_memory_equal(header, spare, region->size);

	machine_init();
	core_header(header);
	header->ehdr.e_phnum = 0xffff;
	spare[0] ^= 1;
	assert_int_equal(run(loaded), HALTED);
	free(spare);
}

static void test_mute(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.console = 0;
	assert_int_equal(run(loaded), ENTERED);
	assert_int_equal(machine.nr_reads + machine.nr_writes, 0);
}

static void test_nmis_are_told(void **state)
{
	machine_nmi_count = 3;
	assert_int_equal(run(*state), ENTERED);
	assert_string_equal(machine.debug,
			    VERIFYING LINE "3 NMIs came and were passed over\n" ENTERING);
}

static void test_copies_land(void **state)
{
	struct loaded *loaded = *state;
	uint8_t *after[REGIONS];

	for (int i = 1; i < REGIONS; i += 2) {
		after[i] = malloc(PADDING - ZERO);
		assert_non_null(after[i]);
		memcpy(after[i], loaded->destination[i] + region_size[i] + ZERO, PADDING - ZERO);
	}
	assert_int_equal(run(loaded), ENTERED);
	for (int i = 1; i < REGIONS; i += 2) {
		const uint8_t *tail = loaded->destination[i] + region_size[i];

		assert_memory_equal(loaded->destination[i], loaded->memory[i], region_size[i]);
		for (int j = 0; j < ZERO; j++)
			assert_int_equal(tail[j], 0);
		assert_memory_equal(tail + ZERO, after[i], PADDING - ZERO);
		free(after[i]);
	}
}

static void test_skip_copies_but_hashes_nothing(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.flags = PURGATORY_SKIP_VERIFY;
	memset(loaded->tables.digest, 0, sizeof(loaded->tables.digest));
	loaded->memory[1][5] ^= 1;
	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.debug,
			    LINE "not verifying 5 segments, 2 MiB\n" LINE
				 "nothing verified, entering the kernel at 0x123456200\n");
	assert_memory_equal(loaded->destination[1], loaded->memory[1], region_size[1]);
	assert_memory_equal(loaded->destination[3], loaded->memory[3], region_size[3]);
	assert_int_equal(loaded->destination[3][region_size[3] + ZERO - 1], 0);
}

static void test_padding_is_not_hashed(void **state)
{
	struct loaded *loaded = *state;

	for (int i = 0; i < REGIONS; i++)
		memset(loaded->memory[i] + region_size[i], 0xa5, PADDING);
	assert_int_equal(run(loaded), ENTERED);
}

static uint64_t first_eight(const uint8_t digest[32])
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | digest[i];
	return value;
}

/* Runs with a damaged byte and expects the whole report. `at` is where the chunks
 * of region `i` are when they are hashed. */
static void expect_damage(struct loaded *loaded, uint32_t i, size_t offset, const uint8_t *at,
			  const char *which)
{
	size_t chunk = offset / PURGATORY_CHUNK_SIZE, start = chunk * PURGATORY_CHUNK_SIZE;
	size_t left = region_size[i] - start;
	size_t size = left < PURGATORY_CHUNK_SIZE ? left : PURGATORY_CHUNK_SIZE;
	uint8_t actual[32];
	char expected[1024];

	memset(machine.debug, 0, sizeof(machine.debug));
	machine.debug_length = machine.nr_writes = 0;
	assert_int_equal(run(loaded), HALTED);
	reference(at + start, size, actual);
	snprintf(expected, sizeof(expected),
		 VERIFYING LINE
		 "segment %u (%s) is damaged: 0x%zx bytes at offset 0x%zx of its %s\n" LINE
		 "SHA-256 begins with %016llx, expected %016llx\n" LINE "halted\n",
		 10 + i, region_name[i], size, start, which,
		 (unsigned long long)first_eight(actual),
		 (unsigned long long)first_eight(
			 loaded->tables.digest[loaded->tables.region[i].first_chunk + chunk]));
	assert_string_equal(machine.debug, expected);
}

static void test_damaged_sources_are_named(void **state)
{
	struct loaded *loaded = *state;

	for (uint32_t i = 0; i < REGIONS; i++) {
		uint8_t *memory = loaded->memory[i];

		for (size_t start = 0; start < region_size[i]; start += PURGATORY_CHUNK_SIZE) {
			size_t left = region_size[i] - start;
			size_t size = left < PURGATORY_CHUNK_SIZE ? left : PURGATORY_CHUNK_SIZE;
			size_t place[] = { start, start + size / 2, start + size - 1 };

			for (size_t p = 0; p < 3; p++) {
				uint8_t bit = (uint8_t)(1 << (random_byte() & 7));

				memory[place[p]] ^= bit;
				expect_damage(loaded, i, place[p], memory, "source");
				memory[place[p]] ^= bit;
			}
		}
	}
	/* No damage of a source reached a destination, nor was anything forgotten. */
	assert_int_equal(machine.nr_copies, 0);
	assert_int_equal(run(loaded), ENTERED);
}

static void test_every_bit_counts(void **state)
{
	struct loaded *loaded = *state;

	for (size_t bit = 0; bit < 64 * 8; bit += 3) {
		loaded->memory[1][bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect_damage(loaded, 1, 0, loaded->memory[1], "source");
		loaded->memory[1][bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_damaged_copies_are_named(void **state)
{
	struct loaded *loaded = *state;
	size_t offset[] = { 0, PURGATORY_CHUNK_SIZE - 1, PURGATORY_CHUNK_SIZE };

	machine.copy_damages = loaded->destination[1] + 63;
	expect_damage(loaded, 1, 63, loaded->destination[1], "copy");
	for (size_t i = 0; i < 3; i++) {
		machine.copy_damages = loaded->destination[3] + offset[i];
		expect_damage(loaded, 3, offset[i], loaded->destination[3], "copy");
	}
}

/* Every byte of the tables, and of the digest that covers them. */
static void test_damaged_tables_are_told(void **state)
{
	struct loaded *loaded = *state;
	uint8_t *bytes = (uint8_t *)&loaded->tables, actual[32];
	char expected[1024];

	for (size_t i = 0; i < sizeof(loaded->tables) + 32; i++) {
		uint8_t *byte = i < sizeof(loaded->tables)
					? bytes + i
					: &loaded->params.tables_digest[i - sizeof(loaded->tables)];
		uint8_t bit = (uint8_t)(1 << i % 8);

		*byte ^= bit;
		memset(machine.debug, 0, sizeof(machine.debug));
		machine.debug_length = machine.nr_writes = 0;
		assert_int_equal(run(loaded), HALTED);
		reference(&loaded->tables, sizeof(loaded->tables), actual);
		snprintf(expected, sizeof(expected),
			 LINE "the tables of regions and digests are damaged\n" LINE
			      "SHA-256 begins with %016llx, expected %016llx\n" LINE "halted\n",
			 (unsigned long long)first_eight(actual),
			 (unsigned long long)first_eight(loaded->params.tables_digest));
		assert_string_equal(machine.debug, expected);
		*byte ^= bit;
	}
	assert_int_equal(machine.nr_copies, 0);
	assert_int_equal(run(loaded), ENTERED);
}

static void test_damaged_params_are_told(void **state)
{
	struct loaded *loaded = *state;
	const struct purgatory_params good = loaded->params;
	char expected[512];

	for (int i = 0; i < 4; i++) {
		loaded->params = good;
		loaded->params.magic ^= i == 0 ? UINT64_C(1) << 40 : 0;
		loaded->params.version += i == 1 ? 1 : 0;
		loaded->params.params_size -= i == 2 ? 8 : 0;
		loaded->params.flags = i == 3 ? PURGATORY_SKIP_VERIFY : 0;
		loaded->params.magic ^= i == 3 ? 1 : 0;
		memset(machine.debug, 0, sizeof(machine.debug));
		machine.debug_length = machine.nr_writes = 0;
		assert_int_equal(run(loaded), HALTED);
		snprintf(expected, sizeof(expected),
			 LINE "the parameter block is damaged: magic %016llx, version %u, "
			      "size %u\n" LINE "halted\n",
			 (unsigned long long)loaded->params.magic, loaded->params.version,
			 loaded->params.params_size);
		assert_string_equal(machine.debug, expected);
	}
	loaded->params = good;
	loaded->params.digests += 32;
	memset(machine.debug, 0, sizeof(machine.debug));
	machine.debug_length = machine.nr_writes = 0;
	assert_int_equal(run(loaded), HALTED);
	snprintf(expected, sizeof(expected),
		 LINE "the parameter block is damaged: 5 regions at 0x%llx, digests at "
		      "0x%llx\n" LINE "halted\n",
		 (unsigned long long)loaded->params.regions,
		 (unsigned long long)loaded->params.digests);
	assert_string_equal(machine.debug, expected);
}

/* --- failure ------------------------------------------------------------- */

static void damage_and_reset(struct loaded *loaded)
{
	loaded->memory[0][0] ^= 1;
	loaded->params.on_corruption = PURGATORY_ON_CORRUPTION_RESET;
}

/* The writes that are no console's, as "port=value " words. */
static const char *reset_writes(char text[256])
{
	char *at = text;

	*at = '\0';
	for (size_t i = 0; i < machine.nr_writes && at < text + 200; i++) {
		if (machine.write[i].port != 0xe9)
			at += sprintf(at, "%x=%x ", machine.write[i].port, machine.write[i].value);
	}
	return text;
}

static void test_reset_order(void **state)
{
	struct loaded *loaded = *state;
	char text[256];

	damage_and_reset(loaded);
	machine.fadt_works = machine.cf9_works = machine.keyboard_works = true;
	assert_int_equal(run(loaded), RESET_FADT);
	assert_string_equal(reset_writes(text), "5b2=5a ");

	machine.nr_writes = 0;
	machine.fadt_works = false;
	assert_int_equal(run(loaded), RESET_CF9);
	assert_string_equal(reset_writes(text), "5b2=5a cf9=2 cf9=6 ");

	machine.nr_writes = 0;
	machine.cf9_works = false;
	assert_int_equal(run(loaded), RESET_8042);
	assert_string_equal(reset_writes(text), "5b2=5a cf9=2 cf9=6 64=fe ");

	machine.nr_writes = 0;
	machine.keyboard_works = false;
	assert_int_equal(run(loaded), TRIPLE_FAULT);
	assert_string_equal(reset_writes(text), "5b2=5a cf9=2 cf9=6 64=fe ");

	machine.nr_writes = 0;
	machine.keyboard_is_stuck = true;
	loaded->params.reset_port = 0;
	assert_int_equal(run(loaded), TRIPLE_FAULT);
	assert_string_equal(reset_writes(text), "cf9=2 cf9=6 64=fe ");
}

static void test_reset_is_counted_down(void **state)
{
	struct loaded *loaded = *state;
	const char *last = LINE "reset in 3 2 1 0 s\n";

	damage_and_reset(loaded);
	machine.fadt_works = true;
	assert_int_equal(run(loaded), RESET_FADT);
	assert_string_equal(machine.debug + machine.debug_length - strlen(last), last);
	/* Each reading of the fake counter moves it by 0.05 s. */
	assert_in_range(machine.tsc, 3000000000, 3300000000);

	machine.tsc = 0;
	loaded->params.reset_delay_s = 0;
	assert_int_equal(run(loaded), RESET_FADT);
	assert_int_equal(machine.tsc, 0);
}

static void test_unknown_clock_waits_longer(void **state)
{
	static const uint64_t unbelievable[] = { 0, UINT64_C(1) << 63, 100000000001 };
	struct loaded *loaded = *state;

	damage_and_reset(loaded);
	machine.fadt_works = true;
	loaded->params.reset_delay_s = 1;
	for (size_t i = 0; i < 3; i++) {
		machine.tsc = machine.nr_writes = 0;
		loaded->params.tsc_hz = unbelievable[i];
		assert_int_equal(run(loaded), RESET_FADT);
		assert_in_range(machine.tsc, 4000000000, 4100000000);
	}
	machine.tsc = machine.nr_writes = 0;
	loaded->params.tsc_hz = 100000000000;
	assert_int_equal(run(loaded), RESET_FADT);
	assert_in_range(machine.tsc, 100000000000, 100100000000);
}

static void test_halt_waits_for_nothing(void **state)
{
	struct loaded *loaded = *state;
	char text[256];

	damage_and_reset(loaded);
	loaded->params.on_corruption = PURGATORY_ON_CORRUPTION_HALT;
	assert_int_equal(run(loaded), HALTED);
	assert_int_equal(machine.tsc_reads, 0);
	assert_string_equal(reset_writes(text), "");
}

/* A value that is neither resets: a halted machine needs a hand, a reset one does not. */
static void test_unknown_policy_resets(void **state)
{
	struct loaded *loaded = *state;

	damage_and_reset(loaded);
	loaded->params.on_corruption = 77;
	machine.fadt_works = true;
	assert_int_equal(run(loaded), RESET_FADT);
}

static void test_no_io(void **state)
{
	struct loaded *loaded = *state;
	uint16_t before[3 * SCREEN];

	memcpy(before, machine.vga, sizeof(before));
	loaded->params.flags = PURGATORY_NO_IO | PURGATORY_RESET_VGA;
	loaded->params.console =
		PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_VGA | PURGATORY_CONSOLE_E9;
	loaded->params.serial_divisor = 1;
	assert_int_equal(run(loaded), ENTERED);
	assert_memory_equal(loaded->destination[3], loaded->memory[3], region_size[3]);

	/* Whatever the policy, a failure ends the guest at once. */
	damage_and_reset(loaded);
	assert_int_equal(run(loaded), TRIPLE_FAULT);
	loaded->params.on_corruption = PURGATORY_ON_CORRUPTION_HALT;
	assert_int_equal(run(loaded), TRIPLE_FAULT);
	assert_int_equal(machine.nr_reads + machine.nr_writes + machine.tsc_reads, 0);
	assert_memory_equal(before, machine.vga, sizeof(before));
}

static enum end take_exception(const struct loaded *loaded)
{
	static const struct exception_frame frame = {
		.cr2 = 0xdeadbeef000, .vector = 14, .error = 2, .rip = 0x3fe01234
	};
	int end = setjmp(machine.end);

	if (!end)
		purgatory_exception(&loaded->params, &frame);
	return (enum end)end;
}

/* The purgatory counts them over its whole life, so this is one test. */
static void test_exceptions(void **state)
{
	struct loaded *loaded = *state;
	char text[256];

	console_init(&loaded->params);
	assert_int_equal(take_exception(loaded), HALTED);
	assert_string_equal(machine.debug, LINE
			    "exception 14 at 0x3fe01234, error code 0x2, cr2 0xdeadbeef000\n" LINE
			    "halted\n");
	/* The second means that printing or waiting does not work: neither is tried. */
	machine.nr_writes = machine.tsc = 0;
	machine.fadt_works = true;
	assert_int_equal(take_exception(loaded), RESET_FADT);
	assert_string_equal(reset_writes(text), "5b2=5a ");
	assert_int_equal(machine.nr_writes, 1);
	assert_int_equal(machine.tsc, 0);
	machine.nr_writes = 0;
	assert_int_equal(take_exception(loaded), TRIPLE_FAULT);
	assert_int_equal(machine.nr_writes, 0);
}

/* In a process of its own, for the count. Not even the second resets by a port. */
static void test_exceptions_without_io(void **state)
{
	struct loaded *loaded = *state;
	pid_t child;
	int status;

	loaded->params.flags = PURGATORY_NO_IO;
	machine.fadt_works = true;
	child = fork();
	if (!child) {
		bool as_expected = true;

		console_init(&loaded->params);
		for (int i = 0; i < 3; i++)
			as_expected &= take_exception(loaded) == TRIPLE_FAULT;
		_exit(as_expected && machine.nr_reads + machine.nr_writes == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* --- consoles ------------------------------------------------------------ */

static void test_serial(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.console = PURGATORY_CONSOLE_SERIAL;
	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.serial,
			    LINE "verifying 5 segments, 2 MiB, baseline\r\n" LINE
				 "all verified, entering the kernel at 0x123456200\r\n");
	/* Divisor 0: the port's set-up is left alone. */
	for (size_t i = 0; i < machine.nr_writes; i++)
		assert_int_equal(machine.write[i].port, SERIAL);
}

static void test_serial_speed(void **state)
{
	static const struct event setup[] = {
		{ SERIAL + 3, 0x83 }, { SERIAL, 0x34 },	 { SERIAL + 1, 0x12 },
		{ SERIAL + 3, 0x03 }, { SERIAL + 1, 0 }, { SERIAL + 2, 0x07 },
		{ SERIAL + 4, 0x03 },
	};
	struct loaded *loaded = *state;

	loaded->params.console = PURGATORY_CONSOLE_SERIAL;
	loaded->params.serial_divisor = 0x1234;
	assert_int_equal(run(loaded), ENTERED);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(machine.write[i].port, setup[i].port);
		assert_int_equal(machine.write[i].value, setup[i].value);
	}
	assert_int_equal(machine.write[7].port, SERIAL);
	assert_int_equal(machine.write[7].value, 's');
}

static void test_serial_slow(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.console = PURGATORY_CONSOLE_SERIAL;
	machine.uart = UART_IS_SLOW;
	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.serial,
			    LINE "verifying 5 segments, 2 MiB, baseline\r\n" LINE
				 "all verified, entering the kernel at 0x123456200\r\n");
}

static void test_serial_absent(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.console = PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_E9;
	loaded->params.serial_divisor = 1;
	machine.uart = UART_IS_ABSENT;
	assert_int_equal(run(loaded), ENTERED);
	assert_int_equal(machine.nr_reads, 1);
	assert_string_equal(machine.debug, VERIFYING ENTERING);
	assert_int_equal(machine.nr_writes, machine.debug_length);
}

static void test_serial_stuck(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.console = PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_E9;
	machine.uart = UART_IS_STUCK;
	assert_int_equal(run(loaded), ENTERED);
	assert_string_equal(machine.debug, VERIFYING ENTERING);
	assert_int_equal(machine.serial_length, 0);
	/* Four times 0x20000, and the look whether it is there. */
	assert_int_equal(machine.nr_reads, 4 * 0x20000 + 1);
}

static void screen_row(unsigned int row, char text[VGA_COLUMNS + 1])
{
	for (unsigned int i = 0; i < VGA_COLUMNS; i++)
		text[i] = (char)machine.vga[SCREEN + row * VGA_COLUMNS + i];
	text[VGA_COLUMNS] = '\0';
}

static void assert_row(unsigned int row, const char *expected)
{
	char text[VGA_COLUMNS + 1], padded[VGA_COLUMNS + 1];

	snprintf(padded, sizeof(padded), "%-80s", expected);
	screen_row(row, text);
	assert_string_equal(text, padded);
	for (unsigned int i = 0; i < VGA_COLUMNS; i++)
		assert_int_equal(machine.vga[SCREEN + row * VGA_COLUMNS + i] >> 8, 7);
}

static void assert_inside_screen(void)
{
	for (size_t i = 0; i < SCREEN; i++) {
		assert_int_equal(machine.vga[i], 0x4100 + i % 64);
		assert_int_equal(machine.vga[2 * SCREEN + i], 0x4100 + (2 * SCREEN + i) % 64);
	}
}

static void test_vga(void **state)
{
	struct loaded *loaded = *state;
	uint16_t old_last = machine.vga[SCREEN + 24 * VGA_COLUMNS];

	loaded->params.console = PURGATORY_CONSOLE_VGA;
	assert_int_equal(run(loaded), ENTERED);
	assert_row(22, LINE "verifying 5 segments, 2 MiB, baseline");
	assert_row(23, LINE "all verified, entering the kernel at 0x123456200");
	assert_row(24, "");
	assert_int_equal(machine.vga[SCREEN + 21 * VGA_COLUMNS], old_last);
	assert_int_equal(machine.nr_reads + machine.nr_writes, 0);
	assert_inside_screen();
}

static void test_vga_wraps_and_scrolls(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.console = PURGATORY_CONSOLE_VGA;
	console_init(&loaded->params);
	for (uint64_t i = 0; i < 60; i++)
		console_print("%059lu\n", i); /* with the prefix, a row and nothing over */
	console_print("%060lu!\n", UINT64_C(7));
	assert_row(21, LINE "00000000000000000000000000000000000000000000000000000000059");
	assert_row(22, LINE "00000000000000000000000000000000000000000000000000000000000");
	assert_row(23, "7!");
	assert_row(24, "");
	assert_inside_screen();
}

static void test_vga_reset(void **state)
{
	struct loaded *loaded = *state;
	bool mode = false, protect_lifted = false, sequencer_runs = false;
	size_t nr_dac = 0, crtc_index = 0;

	loaded->params.console = PURGATORY_CONSOLE_VGA;
	loaded->params.flags = PURGATORY_RESET_VGA;
	console_init(&loaded->params);
	/* An adapter that is not Bochs' is only asked whether it is. */
	assert_int_equal(machine.write[0].port, 0x1ce);
	for (size_t i = 1; i < machine.nr_writes; i++) {
		const struct event *write = &machine.write[i];

		assert_in_range(write->port, 0x3c0, 0x3d5);
		mode |= write->port == 0x3c2 && write->value == 0x67;
		nr_dac += write->port == 0x3c9;
		if (write->port == 0x3c9)
			assert_in_range(write->value, 0, 0x3f);
		if (write->port == 0x3d4)
			crtc_index = write->value;
		/* Registers 0 to 7 take no value before the protection is lifted. */
		if (write->port == 0x3d5 && crtc_index == 0x11)
			protect_lifted |= !(write->value & 0x80);
		if (write->port == 0x3d5 && crtc_index < 8)
			assert_true(protect_lifted);
		if (write->port == 0x3c4 && write->value == 0)
			sequencer_runs = write[1].value == 3;
	}
	assert_true(mode);
	assert_true(protect_lifted);
	assert_true(sequencer_runs);
	assert_int_equal(nr_dac, 3 * 64);
	/* The last word to the attribute controller turns the screen on. */
	for (size_t i = machine.nr_writes; i-- > 0;) {
		if (machine.write[i].port != 0x3c0)
			continue;
		assert_int_equal(machine.write[i].value, 0x20);
		break;
	}
	for (unsigned int row = 0; row < VGA_ROWS; row++)
		assert_row(row, "");
	assert_inside_screen();
}

/* The last value that a register behind an index was given. */
static uint8_t register_value(uint16_t port, uint8_t index)
{
	uint8_t value = 0xff;

	for (size_t i = 0; i + 1 < machine.nr_writes; i++)
		if (machine.write[i].port == port && machine.write[i].value == index &&
		    machine.write[i + 1].port == port + 1)
			value = (uint8_t)machine.write[i + 1].value;
	return value;
}

static void test_vga_font(void **state)
{
	/* An A, from its top. */
	static const uint8_t a[16] = { 0x00, 0x00, 0x18, 0x24, 0x42, 0x42,
				       0x42, 0x7e, 0x42, 0x42, 0x42 };
	struct loaded *loaded = *state;

	memset(machine.font, 0xaa, sizeof(machine.font));
	loaded->params.flags = PURGATORY_RESET_VGA;
	console_init(&loaded->params);
	assert_memory_equal(machine.font + 'A' * VGA_CHARACTER_SIZE, a, sizeof(a));
	for (unsigned int i = 0; i < VGA_CHARACTERS; i++) {
		bool is_ours = i >= VGA_FONT_FIRST && i <= VGA_FONT_LAST, has_dots = false;

		for (unsigned int row = 0; row < VGA_CHARACTER_SIZE; row++)
			has_dots |= machine.font[i * VGA_CHARACTER_SIZE + row];
		assert_true(has_dots == (i != ' '));
		assert_true(is_ours == (machine.font[(i + 1) * VGA_CHARACTER_SIZE - 1] == 0));
	}
	/* Text mode, after it. */
	assert_int_equal(register_value(0x3c4, 2), 3);
	assert_int_equal(register_value(0x3c4, 4), 2);
	assert_int_equal(register_value(0x3ce, 5), 0x10);
	assert_int_equal(register_value(0x3ce, 6), 0x0e);
}

static void test_vga_bochs(void **state)
{
	struct loaded *loaded = *state;

	loaded->params.flags = PURGATORY_RESET_VGA;
	machine.dispi_is_there = true;
	machine.dispi_enable = 0x41;
	console_init(&loaded->params);
	assert_int_equal(machine.dispi_enable, 0);
}

static void test_print(void **state)
{
	struct loaded *loaded = *state;

	console_init(&loaded->params);
	console_print("%lu %lx %016lx|", UINT64_C(0), UINT64_C(0), UINT64_C(0xabc));
	console_print("%3lu|%s|%lu", UINT64_C(7), "", UINT64_MAX);
	console_print(" %016lx\n\n", UINT64_MAX);
	assert_string_equal(machine.debug, LINE "0 0 0000000000000abc|  7||18446744073709551615 "
						"ffffffffffffffff\n" LINE "\n");
}

#define LOADED(test) cmocka_unit_test_setup_teardown(test, loaded_setup, loaded_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_published),
		cmocka_unit_test(test_sha256_baseline),
		cmocka_unit_test(test_sha256_sha_ni),
		cmocka_unit_test(test_sha256_avx2),
		cmocka_unit_test(test_sha256_avx512),
		cmocka_unit_test(test_sha256_reads_no_more),
		cmocka_unit_test(test_sha256_choice),
		cmocka_unit_test(test_sha256_bounds),
		cmocka_unit_test(test_copy),
		LOADED(test_good),
		LOADED(test_every_hash_finds_damage),
		LOADED(test_report),
		LOADED(test_repair),
		LOADED(test_core_header_is_sound),
		LOADED(test_core_header_rewritten),
		LOADED(test_mute),
		LOADED(test_nmis_are_told),
		LOADED(test_copies_land),
		LOADED(test_skip_copies_but_hashes_nothing),
		LOADED(test_padding_is_not_hashed),
		LOADED(test_damaged_sources_are_named),
		LOADED(test_every_bit_counts),
		LOADED(test_damaged_copies_are_named),
		LOADED(test_damaged_tables_are_told),
		LOADED(test_damaged_params_are_told),
		LOADED(test_reset_order),
		LOADED(test_reset_is_counted_down),
		LOADED(test_unknown_clock_waits_longer),
		LOADED(test_halt_waits_for_nothing),
		LOADED(test_unknown_policy_resets),
		LOADED(test_no_io),
		LOADED(test_exceptions_without_io),
		LOADED(test_exceptions),
		LOADED(test_serial),
		LOADED(test_serial_speed),
		LOADED(test_serial_slow),
		LOADED(test_serial_absent),
		LOADED(test_serial_stuck),
		LOADED(test_vga),
		LOADED(test_vga_wraps_and_scrolls),
		LOADED(test_vga_reset),
		LOADED(test_vga_font),
		LOADED(test_vga_bochs),
		LOADED(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
