/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/printk_log.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* What may be read at once: the longest text, whose length has 16 bits, and its block's id. */
	WINDOW_SIZE = 1 << 17,
	/* kernel/printk/printk.c: LOG_BUF_LEN_MAX, and a record for every PRB_AVGBITS of it. */
	TEXT_BITS_MAX = 31,
	RECORD_BITS_MAX = TEXT_BITS_MAX - 5,
	STRUCTURE_MAX = 1024, /* a descriptor has 24 bytes, struct printk_info 88 */
	/* Behind text_len in struct printk_info: the facility, then flags below the level. */
	INFO_FACILITY = 2,
	INFO_LEVEL = 3,
	INFO_PACKED_SIZE = 4,
	LEVEL_SHIFT = 5,
	/* struct printk_log of 3.5 to 5.9, where VMCOREINFO does not say: the level's byte. */
	STRUCTURED_FACILITY = 14,
	STRUCTURED_LEVEL = 15,
	LINE_MAX_LEGACY = 4096,
	PAGE_SIZE = 4096,
};

/* kernel/printk/printk_ringbuffer.h: the state in the two top bits of a descriptor. */
#define DESC_STATE_SHIFT 62
#define DESC_ID_MASK	 ((UINT64_C(1) << DESC_STATE_SHIFT) - 1)
#define DESC_COMMITTED	 1
#define DESC_FINALIZED	 2
/* Positions without data are odd: of a record that has none, and of one for whose text there
 * was no room, which dmesg does not show. */
#define LPOS_NO_DATA	 1
#define LPOS_NONE	 3

/* What was read around an address, so that neighbours cost no read of their own. */
struct window {
	uint64_t address;
	size_t size;
	uint8_t data[WINDOW_SIZE];
};

struct walk {
	const struct vmcore *vmcore;
	printk_sink *sink;
	void *context;
	uint64_t skipped;
	struct window descs, infos, texts;
};

/* `size` bytes at an address, WINDOW_SIZE at most, borrowed until the next look through this
 * window, which may reach up to `end`. */
static int look(const struct walk *walk, struct window *window, uint64_t address, size_t size,
		uint64_t end, struct bytes *ret, struct err *err)
{
	uint64_t skip = address - window->address, ahead = end - address;

	if (skip > window->size || size > window->size - skip) {
		ahead = ahead < WINDOW_SIZE ? ahead : WINDOW_SIZE;
		ahead = ahead < size ? size : ahead;
		window->address = address;
		window->size = vmcore_read_part(walk->vmcore, address, window->data, ahead, err);
		/* What is dumped may end within a page. */
		if (window->size < size && ahead > size)
			window->size =
				vmcore_read_part(walk->vmcore, address, window->data, size, err);
		if (window->size < size)
			return -1;
		skip = 0;
	}
	*ret = (struct bytes){ window->data + skip, size };
	return 0;
}

/* Of a structure that has the field: fits(). */
static uint64_t field_u64(struct bytes in, uint64_t offset)
{
	uint64_t value;

	memcpy(&value, in.data + offset, sizeof(value));
	return value;
}

static uint16_t field_u16(struct bytes in, uint64_t offset)
{
	return (uint16_t)(in.data[offset] | in.data[offset + 1] << 8);
}

/* How many bytes from an address to its page's end. */
static uint64_t page_rest(uint64_t address)
{
	return PAGE_SIZE - (address & (PAGE_SIZE - 1));
}

/* `size` bytes at an offset of a structure. */
static bool fits(uint64_t whole, uint64_t offset, uint64_t size)
{
	return whole <= STRUCTURE_MAX && offset <= whole && size <= whole - offset;
}

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

static int ring_bits(const struct vmcore *vmcore, uint64_t address, const char *what, uint32_t most,
		     uint64_t *ret, struct err *err)
{
	uint32_t bits;

	if (read_u32(vmcore, address, &bits, err))
		return err_prefix(err, "%s", what);
	if (!bits || bits > most)
		return err_set(err, ERR_INPUT, "%s: 2^%u makes no sense", what, bits);
	*ret = UINT64_C(1) << bits;
	return 0;
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
	ring->begin_at += ring->lpos_at;
	ring->next_at += ring->lpos_at;
	if (!fits(ring->desc_size, ring->state_at, 8) ||
	    !fits(ring->desc_size, ring->begin_at, 8) || !fits(ring->desc_size, ring->next_at, 8) ||
	    !fits(ring->info_size, ring->seq_at, 8) || !fits(ring->info_size, ring->ts_at, 8) ||
	    !fits(ring->info_size, ring->text_len_at, INFO_PACKED_SIZE) ||
	    !fits(ring->info_size, ring->caller_at, 4))
		return err_set(err, ERR_INPUT,
			       "VMCOREINFO's offsets do not fit its SIZE(prb_desc)=%llu and "
			       "SIZE(printk_info)=%llu",
			       (unsigned long long)ring->desc_size,
			       (unsigned long long)ring->info_size);
	if (read_u64(vmcore, symbol, &prb, err))
		return err_prefix(err, "prb");
	desc_ring += prb;
	data_ring += prb;
	if (ring_bits(vmcore, desc_ring + count_bits, "number of records", RECORD_BITS_MAX,
		      &ring->count, err) ||
	    ring_bits(vmcore, data_ring + size_bits, "size of the texts", TEXT_BITS_MAX,
		      &ring->data_size, err) ||
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

/* The text of a record's block. A block begins with the record's id; one that would go over the
 * ring's end begins anew at its start. */
static int read_text(struct walk *walk, const struct ring *ring, uint64_t id, uint64_t begin,
		     uint64_t next, uint16_t length, struct bytes *ret, struct err *err)
{
	uint64_t mask = ring->data_size - 1, at = begin & mask, end = next & mask, room;
	struct bytes block;

	if ((begin ^ next) & ~mask && end)
		at = 0;
	else if (!end)
		end = ring->data_size;
	if (begin & LPOS_NO_DATA || next - begin > ring->data_size || end < at + sizeof(uint64_t))
		return err_set(err, ERR_INPUT, "a block from 0x%llx to 0x%llx",
			       (unsigned long long)begin, (unsigned long long)next);
	room = end - at - sizeof(uint64_t);
	length = (uint16_t)(length < room ? length : room);
	if (look(walk, &walk->texts, ring->data + at, sizeof(uint64_t) + length,
		 ring->data + ring->data_size, &block, err))
		return -1;
	if ((field_u64(block, 0) & DESC_ID_MASK) != id)
		return err_set(err, ERR_INPUT, "a block of another record");
	*ret = (struct bytes){ block.data + sizeof(uint64_t), length };
	return 0;
}

/* *ret_there false: a record that was never finished, as the newest may be. */
static int read_record(struct walk *walk, const struct ring *ring, uint64_t id, struct bytes desc,
		       struct printk_record *ret, bool *ret_there, struct err *err)
{
	uint64_t index = id & (ring->count - 1), at = ring->infos + index * ring->info_size;
	uint64_t state = field_u64(desc, ring->state_at), begin = field_u64(desc, ring->begin_at),
		 next = field_u64(desc, ring->next_at);
	struct bytes info;

	*ret_there = false;
	/* Still the descriptor of the lap before, or never used: of one that has only been begun. */
	if ((state & DESC_ID_MASK) == ((id - ring->count) & DESC_ID_MASK) ||
	    (!state && id == ring->head))
		return 0;
	if ((state & DESC_ID_MASK) != id)
		return err_set(err, ERR_INPUT, "a descriptor of another record");
	if (state >> DESC_STATE_SHIFT != DESC_COMMITTED &&
	    state >> DESC_STATE_SHIFT != DESC_FINALIZED)
		return 0;
	if (begin & next & LPOS_NO_DATA && begin != LPOS_NONE)
		return 0;
	if (look(walk, &walk->infos, at, ring->info_size,
		 ring->infos + ring->count * ring->info_size, &info, err))
		return -1;
	ret->seq = field_u64(info, ring->seq_at);
	ret->ts_nsec = field_u64(info, ring->ts_at);
	memcpy(&ret->caller, info.data + ring->caller_at, sizeof(ret->caller));
	ret->facility = info.data[ring->text_len_at + INFO_FACILITY];
	ret->level = info.data[ring->text_len_at + INFO_LEVEL] >> LEVEL_SHIFT;
	*ret_there = true;
	if (begin & next & LPOS_NO_DATA)
		return 0;
	return read_text(walk, ring, id, begin, next, field_u16(info, ring->text_len_at),
			 &ret->text, err);
}

static int walk_ring(struct walk *walk, struct err *err)
{
	struct ring ring = { 0 };
	uint64_t id, left, step;

	if (ring_open(walk->vmcore, &ring, err))
		return -1;
	id = ring.tail;
	left = ((ring.head - ring.tail) & DESC_ID_MASK) + 1;
	for (; left; left -= step, id = (id + step) & DESC_ID_MASK) {
		uint64_t index = id & (ring.count - 1), at = ring.descs + index * ring.desc_size;
		struct printk_record record = { 0 };
		struct bytes desc;
		struct err skipped;
		bool there;

		step = 1;
		if (look(walk, &walk->descs, at, ring.desc_size,
			 ring.descs + ring.count * ring.desc_size, &desc, &skipped)) {
			/* Nor can the others that begin in this page, or after it in the array. */
			step = (page_rest(at) + ring.desc_size - 1) / ring.desc_size;
			step = step < ring.count - index ? step : ring.count - index;
			step = step < left ? step : left;
			walk->skipped += step;
		} else if (read_record(walk, &ring, id, desc, &record, &there, &skipped)) {
			walk->skipped++;
		} else if (there && walk->sink(walk->context, &record, err)) {
			return -1;
		}
	}
	return 0;
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
	if (!fits(size, ts_at, 8) || !fits(size, len_at, 2) || !fits(size, text_len_at, 2) ||
	    !fits(size, STRUCTURED_LEVEL, 1))
		return err_set(err, ERR_INPUT, "VMCOREINFO's offsets do not fit its SIZE(%s)=%llu",
			       is_old ? "log" : "printk_log", (unsigned long long)size);
	if (first >= buf_len || next > buf_len)
		return err_set(err, ERR_INPUT, "the log goes from 0x%x to 0x%x and has 0x%x bytes",
			       first, next, buf_len);
	/* Each step goes forward, and over the end once at most. */
	for (uint64_t at = first; at != next;) {
		struct printk_record record = { 0 };
		struct bytes header, whole;
		struct err skipped;
		uint16_t length, text_length;

		if (look(walk, &walk->texts, buf + at, size, buf + buf_len, &header, err))
			return -1;
		length = field_u16(header, len_at);
		if (!length && at > next) {
			at = 0;
			continue;
		}
		if (length < size || at + length > buf_len || (at < next && at + length > next))
			return err_set(
				err, ERR_INPUT,
				"a record of 0x%x bytes at 0x%llx of the log: the rest of it "
				"cannot be found",
				length, (unsigned long long)at);
		text_length = field_u16(header, text_len_at);
		if (text_length > length - size ||
		    look(walk, &walk->texts, buf + at, length, buf + buf_len, &whole, &skipped)) {
			walk->skipped++;
		} else {
			record.ts_nsec = field_u64(whole, ts_at);
			record.facility = whole.data[STRUCTURED_FACILITY];
			record.level = whole.data[STRUCTURED_LEVEL] >> LEVEL_SHIFT;
			record.text = (struct bytes){ whole.data + size, text_length };
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
	uint8_t text[LINE_MAX_LEGACY];
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
		uint32_t place = (end - chars + i) & (buf_len - 1);
		struct printk_record record = { .is_bare = true };
		struct bytes character;
		struct err skipped;

		if (look(walk, &walk->texts, buf + place, 1, buf + buf_len, &character, &skipped)) {
			/* Nor can the rest of the page. */
			uint64_t rest = page_rest(buf + place) - 1;

			rest = rest < buf_len - place - 1 ? rest : buf_len - place - 1;
			i += (uint32_t)(rest < chars - i - 1 ? rest : chars - i - 1);
			walk->skipped++;
			if (!used)
				continue;
		} else if (*character.data != '\n') {
			text[used++] = *character.data;
			if (used < sizeof(text) && i + 1 < chars)
				continue;
		}
		record.text = (struct bytes){ text, used };
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
