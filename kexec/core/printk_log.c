/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/printk_log.h"

#include <stdlib.h>
#include <string.h>

enum {
	RECORD_TEXT_MAX = 1 << 16, /* its length has 16 bits */
	RING_BITS_MAX = 31,
	STRUCTURE_MAX = 1024, /* a descriptor has 24 bytes, struct printk_info 88 */
	/* Behind text_len in struct printk_info: the facility, then flags below the level. */
	INFO_FACILITY = 2,
	INFO_LEVEL = 3,
	LEVEL_SHIFT = 5,
	/* struct printk_log of 3.5 to 5.9, where VMCOREINFO does not say: the level's byte. */
	STRUCTURED_FACILITY = 14,
	STRUCTURED_LEVEL = 15,
	LINE_MAX_LEGACY = 4096,
};

/* kernel/printk/printk_ringbuffer.h: the state in the two top bits of a descriptor. */
#define DESC_STATE_SHIFT 62
#define DESC_ID_MASK	 ((UINT64_C(1) << DESC_STATE_SHIFT) - 1)
#define DESC_COMMITTED	 1
#define DESC_FINALIZED	 2
/* Positions without data are odd: of a record that has none, and of one whose text was lost. */
#define LPOS_NO_DATA	 1
#define LPOS_NONE	 3

struct walk {
	const struct vmcore *vmcore;
	printk_sink *sink;
	void *context;
	uint64_t skipped;
	uint8_t text[RECORD_TEXT_MAX];
};

static int require_all(const struct vmcore *vmcore, const char *kind, size_t count,
		       const char *const *name, uint64_t *const *ret, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (vmcore_require(vmcore, kind, name[i], ret[i], err))
			return -1;
	return 0;
}

static int read_u64(const struct vmcore *vmcore, uint64_t address, uint64_t *ret, struct err *err)
{
	return vmcore_read(vmcore, address, ret, sizeof(*ret), err);
}

static int read_u32(const struct vmcore *vmcore, uint64_t address, uint32_t *ret, struct err *err)
{
	return vmcore_read(vmcore, address, ret, sizeof(*ret), err);
}

/* --- lockless ring --------------------------------------------------------- */

struct ring {
	uint64_t desc_size, state_at, lpos_at, begin_at, next_at;
	uint64_t info_size, seq_at, ts_at, text_len_at, caller_at;
	uint64_t descs, infos, count; /* the arrays, and their length, a power of two */
	uint64_t data, data_size;
	uint64_t tail, head;
};

static int ring_bits(const struct vmcore *vmcore, uint64_t address, const char *what, uint64_t *ret,
		     struct err *err)
{
	uint32_t bits;

	if (read_u32(vmcore, address, &bits, err))
		return err_prefix(err, "%s", what);
	if (!bits || bits > RING_BITS_MAX)
		return err_set(err, ERR_INPUT, "%s: 2^%u makes no sense", what, bits);
	*ret = UINT64_C(1) << bits;
	return 0;
}

/* 8 bytes at an offset of a structure. */
static bool fits(uint64_t size, uint64_t offset)
{
	return size <= STRUCTURE_MAX && size >= sizeof(uint64_t) &&
	       offset <= size - sizeof(uint64_t);
}

static int ring_open(const struct vmcore *vmcore, struct ring *ring, struct err *err)
{
	uint64_t symbol, prb, desc_ring, data_ring, count_bits, descs, infos, head, tail, size_bits,
		data;
	uint64_t counter = 0;
	const char *const sizes[] = { "prb_desc", "printk_info" };
	uint64_t *const sizes_to[] = { &ring->desc_size, &ring->info_size };
	const char *const offsets[] = {
		"printk_ringbuffer.desc_ring", "printk_ringbuffer.text_data_ring",
		"prb_desc_ring.count_bits",    "prb_desc_ring.descs",
		"prb_desc_ring.infos",	       "prb_desc_ring.head_id",
		"prb_desc_ring.tail_id",       "prb_data_ring.size_bits",
		"prb_data_ring.data",	       "prb_desc.state_var",
		"prb_desc.text_blk_lpos",      "prb_data_blk_lpos.begin",
		"prb_data_blk_lpos.next",      "printk_info.seq",
		"printk_info.ts_nsec",	       "printk_info.text_len",
		"printk_info.caller_id",
	};
	uint64_t *const offsets_to[] = {
		&desc_ring,
		&data_ring,
		&count_bits,
		&descs,
		&infos,
		&head,
		&tail,
		&size_bits,
		&data,
		&ring->state_at,
		&ring->lpos_at,
		&ring->begin_at,
		&ring->next_at,
		&ring->seq_at,
		&ring->ts_at,
		&ring->text_len_at,
		&ring->caller_at,
	};

	if (vmcore_require(vmcore, "SYMBOL", "prb", &symbol, err) ||
	    require_all(vmcore, "SIZE", sizeof(sizes) / sizeof(sizes[0]), sizes, sizes_to, err) ||
	    require_all(vmcore, "OFFSET", sizeof(offsets) / sizeof(offsets[0]), offsets, offsets_to,
			err))
		return -1;
	vmcore_value(vmcore, "OFFSET", "atomic_long_t.counter", &counter);
	ring->state_at += counter;
	if (!fits(ring->desc_size, ring->state_at) ||
	    !fits(ring->desc_size, ring->lpos_at + ring->begin_at) ||
	    !fits(ring->desc_size, ring->lpos_at + ring->next_at) ||
	    !fits(ring->info_size, ring->seq_at) || !fits(ring->info_size, ring->ts_at) ||
	    !fits(ring->info_size, ring->text_len_at) || !fits(ring->info_size, ring->caller_at))
		return err_set(err, ERR_INPUT,
			       "VMCOREINFO's offsets do not fit its SIZE(prb_desc)=%llu and "
			       "SIZE(printk_info)=%llu",
			       (unsigned long long)ring->desc_size,
			       (unsigned long long)ring->info_size);
	if (read_u64(vmcore, symbol, &prb, err))
		return err_prefix(err, "prb");
	desc_ring += prb;
	data_ring += prb;
	if (ring_bits(vmcore, desc_ring + count_bits, "number of records", &ring->count, err) ||
	    ring_bits(vmcore, data_ring + size_bits, "size of the texts", &ring->data_size, err) ||
	    read_u64(vmcore, desc_ring + descs, &ring->descs, err) ||
	    read_u64(vmcore, desc_ring + infos, &ring->infos, err) ||
	    read_u64(vmcore, data_ring + data, &ring->data, err) ||
	    read_u64(vmcore, desc_ring + head + counter, &ring->head, err) ||
	    read_u64(vmcore, desc_ring + tail + counter, &ring->tail, err))
		return err_prefix(err, "the log's ring at 0x%llx", (unsigned long long)prb);
	ring->head &= DESC_ID_MASK;
	ring->tail &= DESC_ID_MASK;
	if (((ring->head - ring->tail) & DESC_ID_MASK) >= ring->count)
		return err_set(err, ERR_INPUT,
			       "the log's ring goes from record %llu to %llu and has room for %llu",
			       (unsigned long long)ring->tail, (unsigned long long)ring->head,
			       (unsigned long long)ring->count);
	return 0;
}

/* The text of a block. A block begins with the record's id; one that would go over the
 * ring's end begins anew at its start. */
static int read_text(struct walk *walk, const struct ring *ring, uint64_t begin, uint64_t next,
		     uint16_t length, struct bytes *ret, struct err *err)
{
	uint64_t mask = ring->data_size - 1, at = begin & mask, end = next & mask, room;

	*ret = (struct bytes){ walk->text, 0 };
	if (begin & LPOS_NO_DATA)
		return begin == LPOS_NONE ? 0 : err_set(err, ERR_INPUT, "the text was lost");
	if ((begin ^ next) & ~mask && end)
		at = 0;
	else if (!end)
		end = ring->data_size;
	if (next - begin > ring->data_size || end < at + sizeof(uint64_t))
		return err_set(err, ERR_INPUT, "a block from 0x%llx to 0x%llx",
			       (unsigned long long)begin, (unsigned long long)next);
	room = end - at - sizeof(uint64_t);
	if (vmcore_read(walk->vmcore, ring->data + at + sizeof(uint64_t), walk->text,
			length < room ? length : room, err))
		return -1;
	ret->size = length < room ? length : room;
	return 0;
}

static uint64_t field_u64(const uint8_t *bytes, uint64_t at)
{
	uint64_t value;

	memcpy(&value, bytes + at, sizeof(value));
	return value;
}

/* *ret_there false: a record that was never finished, as the newest may be. */
static int read_record(struct walk *walk, const struct ring *ring, uint64_t id,
		       struct printk_record *ret, bool *ret_there, struct err *err)
{
	uint64_t index = id & (ring->count - 1), state;
	uint8_t desc[STRUCTURE_MAX], info[STRUCTURE_MAX];

	*ret_there = false;
	if (vmcore_read(walk->vmcore, ring->descs + index * ring->desc_size, desc, ring->desc_size,
			err))
		return -1;
	state = field_u64(desc, ring->state_at);
	if ((state & DESC_ID_MASK) != id || (state >> DESC_STATE_SHIFT != DESC_COMMITTED &&
					     state >> DESC_STATE_SHIFT != DESC_FINALIZED))
		return 0;
	*ret_there = true;
	if (vmcore_read(walk->vmcore, ring->infos + index * ring->info_size, info, ring->info_size,
			err))
		return -1;
	ret->seq = field_u64(info, ring->seq_at);
	ret->ts_nsec = field_u64(info, ring->ts_at);
	memcpy(&ret->caller, info + ring->caller_at, sizeof(ret->caller));
	ret->facility = info[ring->text_len_at + INFO_FACILITY];
	ret->level = info[ring->text_len_at + INFO_LEVEL] >> LEVEL_SHIFT;
	return read_text(walk, ring, field_u64(desc, ring->lpos_at + ring->begin_at),
			 field_u64(desc, ring->lpos_at + ring->next_at),
			 (uint16_t)(info[ring->text_len_at] | info[ring->text_len_at + 1] << 8),
			 &ret->text, err);
}

static int walk_ring(struct walk *walk, struct err *err)
{
	struct ring ring = { 0 };

	if (ring_open(walk->vmcore, &ring, err))
		return -1;
	for (uint64_t id = ring.tail;; id = (id + 1) & DESC_ID_MASK) {
		struct printk_record record = { 0 };
		struct err skipped;
		bool there;

		if (read_record(walk, &ring, id, &record, &there, &skipped))
			walk->skipped++;
		else if (there && walk->sink(walk->context, &record, err))
			return -1;
		if (id == ring.head)
			return 0;
	}
}

/* --- records one behind the other ------------------------------------------ */

static int walk_structured(struct walk *walk, struct err *err)
{
	const struct vmcore *vmcore = walk->vmcore;
	/* Its name until 3.10 was struct log. */
	uint64_t size, first_at, next_at, buf_at, buf_len_at, ts_at, len_at, text_len_at, buf;
	uint32_t first, next, buf_len;
	bool is_old = !vmcore_value(vmcore, "SIZE", "printk_log", &size);
	const char *const offsets[] = { is_old ? "log.ts_nsec" : "printk_log.ts_nsec",
					is_old ? "log.len" : "printk_log.len",
					is_old ? "log.text_len" : "printk_log.text_len" };
	uint64_t *const offsets_to[] = { &ts_at, &len_at, &text_len_at };
	const char *const symbols[] = { "log_first_idx", "log_next_idx", "log_buf", "log_buf_len" };
	uint64_t *const symbols_to[] = { &first_at, &next_at, &buf_at, &buf_len_at };

	if ((is_old && vmcore_require(vmcore, "SIZE", "log", &size, err)) ||
	    require_all(vmcore, "OFFSET", 3, offsets, offsets_to, err) ||
	    require_all(vmcore, "SYMBOL", 4, symbols, symbols_to, err))
		return -1;
	if (read_u32(vmcore, first_at, &first, err) || read_u32(vmcore, next_at, &next, err) ||
	    read_u64(vmcore, buf_at, &buf, err) || read_u32(vmcore, buf_len_at, &buf_len, err))
		return err_prefix(err, "the log");
	if (first >= buf_len || next > buf_len || size < STRUCTURED_LEVEL + 1)
		return err_set(
			err, ERR_INPUT,
			"the log goes from 0x%x to 0x%x and has 0x%x bytes, a record's header %llu",
			first, next, buf_len, (unsigned long long)size);
	/* Each step goes forward, and over the end once at most. */
	for (uint64_t at = first, wraps = 0; at != next;) {
		struct printk_record record = { 0 };
		uint16_t length, text_length;
		uint8_t kind[2];

		if (vmcore_read(vmcore, buf + at + len_at, &length, sizeof(length), err))
			return -1;
		if (!length && !wraps++) {
			at = 0;
			continue;
		}
		if (length < size || at + length > buf_len || (at < next && at + length > next))
			return err_set(
				err, ERR_INPUT,
				"a record of 0x%x bytes at 0x%llx of the log: the rest of it "
				"cannot be found",
				length, (unsigned long long)at);
		if (vmcore_read(vmcore, buf + at + ts_at, &record.ts_nsec, sizeof(record.ts_nsec),
				err) ||
		    vmcore_read(vmcore, buf + at + text_len_at, &text_length, sizeof(text_length),
				err) ||
		    vmcore_read(vmcore, buf + at + STRUCTURED_FACILITY, kind, sizeof(kind), err) ||
		    text_length > length - size ||
		    vmcore_read(vmcore, buf + at + size, walk->text, text_length, err)) {
			walk->skipped++;
		} else {
			record.facility = kind[0];
			record.level = kind[1] >> LEVEL_SHIFT;
			record.text = (struct bytes){ walk->text, text_length };
			if (walk->sink(walk->context, &record, err))
				return -1;
		}
		at += length;
	}
	return 0;
}

/* --- plain text ------------------------------------------------------------ */

static int walk_text(struct walk *walk, struct err *err)
{
	const struct vmcore *vmcore = walk->vmcore;
	uint64_t end_at, chars_at, buf_at, buf_len_at, buf;
	uint32_t end, chars, buf_len;
	size_t used = 0;
	const char *const symbols[] = { "log_end", "logged_chars", "log_buf", "log_buf_len" };
	uint64_t *const symbols_to[] = { &end_at, &chars_at, &buf_at, &buf_len_at };

	if (require_all(vmcore, "SYMBOL", 4, symbols, symbols_to, err))
		return -1;
	if (read_u32(vmcore, end_at, &end, err) || read_u32(vmcore, chars_at, &chars, err) ||
	    read_u64(vmcore, buf_at, &buf, err) || read_u32(vmcore, buf_len_at, &buf_len, err))
		return err_prefix(err, "the log");
	if (!num_is_power_of_two(buf_len))
		return err_set(err, ERR_INPUT, "the log has 0x%x bytes, which is no power of two",
			       buf_len);
	chars = chars < buf_len ? chars : buf_len;
	for (uint32_t i = 0; i < chars; i++) {
		struct printk_record record = { .is_bare = true };
		uint8_t character;

		if (vmcore_read(vmcore, buf + ((end - chars + i) & (buf_len - 1)), &character, 1,
				err)) {
			walk->skipped++;
			continue;
		}
		if (character != '\n')
			walk->text[used++] = character;
		if (character != '\n' && used < LINE_MAX_LEGACY && i + 1 < chars)
			continue;
		record.text = (struct bytes){ walk->text, used };
		if (walk->sink(walk->context, &record, err))
			return -1;
		used = 0;
	}
	return 0;
}

int printk_log_walk(const struct vmcore *vmcore, printk_sink *sink, void *context,
		    uint64_t *ret_skipped, struct err *err)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint64_t ignored;
	int result;

	if (!walk)
		return err_no_memory(err);
	*walk = (struct walk){ .vmcore = vmcore, .sink = sink, .context = context };
	if (vmcore_value(vmcore, "SYMBOL", "prb", &ignored))
		result = walk_ring(walk, err);
	else if (vmcore_value(vmcore, "SYMBOL", "log_first_idx", &ignored))
		result = walk_structured(walk, err);
	else if (vmcore_value(vmcore, "SYMBOL", "logged_chars", &ignored))
		result = walk_text(walk, err);
	else
		result = err_set(err, ERR_INPUT,
				 "VMCOREINFO has none of SYMBOL(prb), SYMBOL(log_first_idx) and "
				 "SYMBOL(logged_chars): a log of a shape that is not known");
	*ret_skipped = walk->skipped;
	free(walk);
	return result;
}
