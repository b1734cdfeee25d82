/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/initrd.h"

#include <stdio.h>
#include <string.h>

#include "kexec/core/decompress.h"
#include "kexec/core/num.h"

enum { ALIGN = 4, MAGIC_SIZE = 6 };

/* A newc header: numbers of 8 digits behind the magic. */
enum {
	HEADER_SIZE = 110,
	NUMBER_SIZE = 8,
	FILE_SIZE_AT = MAGIC_SIZE + 6 * NUMBER_SIZE,
	NAME_SIZE_AT = MAGIC_SIZE + 11 * NUMBER_SIZE,
};

static const char bootconfig_magic[] = "#BOOTCONFIG\n";

/* Size, checksum, magic without its NUL; a boot loader may have added zeros up to a multiple of 4. */
enum { BOOTCONFIG_END = 2 * sizeof(uint32_t) + sizeof(bootconfig_magic) - 1 };

static bool begins(struct bytes in, size_t at, const char *with, size_t size)
{
	struct bytes found;

	return bytes_slice(in, at, size, &found) && !memcmp(found.data, with, size);
}

static bool is_header(struct bytes in, size_t at)
{
	return begins(in, at, "070701", MAGIC_SIZE) || begins(in, at, "070702", MAGIC_SIZE);
}

/* Only such one is known to the kernel. */
static bool is_archive(struct bytes in, size_t at)
{
	return at % ALIGN == 0 && is_header(in, at);
}

/* False at the end. */
static bool skip_zeros(struct bytes in, size_t *at)
{
	while (*at < in.size && !in.data[*at])
		(*at)++;
	return *at < in.size;
}

static size_t aligned(size_t at)
{
	return (at + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* One file of an archive: where the next one begins; false if it does not end. */
static bool read_file(struct bytes in, size_t at, size_t *ret_next)
{
	struct bytes header, name, contents;
	uint64_t name_size, size;

	if (!bytes_slice(in, at, HEADER_SIZE, &header) ||
	    !num_parse((const char *)header.data + NAME_SIZE_AT, NUMBER_SIZE, 16, &name_size) ||
	    !num_parse((const char *)header.data + FILE_SIZE_AT, NUMBER_SIZE, 16, &size) ||
	    !bytes_slice(in, at + HEADER_SIZE, name_size, &name) ||
	    (size && !bytes_slice(in, aligned(at + HEADER_SIZE + name_size), size, &contents)))
		return false;
	*ret_next = aligned(aligned(at + HEADER_SIZE + name_size) + size);
	return true;
}

/*
 * From its first header to what is behind the zeros that follow it. It need not have a last file
 * of the name TRAILER!!!, see Documentation/driver-api/early-userspace/buffer-format.rst.
 */
static int skip_archive(struct bytes in, size_t *at, struct err *err)
{
	do {
		if (!read_file(in, *at, at))
			return err_set(err, ERR_DAMAGED,
				       "the archive is cut or damaged: its file at 0x%zx does not "
				       "end",
				       *at);
	} while (is_header(in, *at));
	if (skip_zeros(in, at) && *at % ALIGN)
		return err_set(err, ERR_INPUT,
			       "the zeros behind an archive end at 0x%zx, which is no multiple of "
			       "%d",
			       *at, ALIGN);
	return 0;
}

static int check_archive(struct bytes in, size_t at, struct err *err)
{
	if (is_archive(in, at))
		return 0;
	return err_set(err, ERR_INPUT, "what it expands to is no newc archive at 0x%zx", at);
}

static int judge_begin(struct bytes begin, struct err *err)
{
	return check_archive(begin, 0, err);
}

/* What a member has expanded to is archives and nothing else. */
static int check_expanded(struct bytes in, struct err *err)
{
	size_t at = 0;

	do {
		if (check_archive(in, at, err))
			return -1;
		if (skip_archive(in, &at, err))
			return -1;
	} while (at < in.size);
	return 0;
}

/* Where the boot configuration begins, if there is one, else the end. */
static size_t members_end(struct bytes in)
{
	for (size_t padding = 0; padding < ALIGN; padding++) {
		struct bytes contents;
		struct cursor end;
		uint32_t size, sum;

		if (in.size < BOOTCONFIG_END + padding)
			break;
		end = cursor_at(in, in.size - padding - BOOTCONFIG_END);
		size = cursor_u32(&end);
		sum = cursor_u32(&end);
		if (!begins(in, end.offset, bootconfig_magic, sizeof(bootconfig_magic) - 1))
			continue;
		end.offset -= 2 * sizeof(uint32_t);
		if (size > end.offset || !bytes_slice(in, end.offset - size, size, &contents))
			break;
		for (size_t i = 0; i < size; i++)
			sum -= contents.data[i];
		return sum ? in.size : end.offset - size;
	}
	return in.size;
}

int initrd_align(struct buf *to, struct err *err)
{
	return buf_extend(to, aligned(to->size), err);
}

/* A compressed member; *at is then behind the zeros that follow it. */
static int unpack_member(struct bytes in, size_t memory, const struct progress *progress,
			 size_t *at, struct buf *out, struct err *err)
{
	const struct decompress_rules rules = {
		.memory = memory,
		.judged = MAGIC_SIZE,
		.judge = judge_begin,
	};
	size_t begin = out->size, used;
	struct bytes member = { in.data + *at, in.size - *at }, made;

	if (decompress_stream(member, &rules, progress, out, &used, err) ||
	    !bytes_slice(buf_bytes(out), begin, out->size - begin, &made) ||
	    check_expanded(made, err))
		return err_prefix(err, "the member at 0x%zx", *at);
	*at += used;
	skip_zeros(in, at);
	return initrd_align(out, err);
}

int initrd_unpack(struct bytes in, size_t memory, const struct progress *progress, struct buf *ret,
		  struct err *err)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	struct bytes members = { in.data, members_end(in) };
	size_t copied = 0, at = 0;

	while (skip_zeros(members, &at)) {
		if (is_archive(members, at)) {
			if (skip_archive(members, &at, err))
				return -1;
			continue;
		}
		if (!decompress_format((struct bytes){ members.data + at, members.size - at }))
			return err_set(err, ERR_INPUT,
				       "at 0x%zx there is neither a newc archive, at a multiple of "
				       "%d, nor one that is compressed in a way that is known",
				       at, ALIGN);
		if (buf_append(&out, in.data + copied, at - copied, err) ||
		    initrd_align(&out, err) ||
		    unpack_member(members, memory, progress, &at, &out, err))
			return -1;
		copied = at;
	}
	if (!copied)
		return err_set(err, ERR_INPUT, "nothing in it is compressed");
	if (buf_append(&out, in.data + copied, in.size - copied, err))
		return -1;
	*ret = out;
	out = (struct buf){ 0 };
	return 0;
}

int initrd_add(struct buf *to, const char *name, uint32_t mode, struct bytes contents,
	       struct err *err)
{
	char header[HEADER_SIZE + 1];

	if (contents.size > UINT32_MAX)
		return err_set(err, ERR_INPUT, "%s: %zu bytes are too many for an archive", name,
			       contents.size);
	/* ino, mode, uid, gid, nlink, mtime, size, two devices of two parts, the name's size, checksum */
	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0, mode, 0, 0, 1, 0,
		 (uint32_t)contents.size, 0, 0, 0, 0, (uint32_t)strlen(name) + 1, 0);
	return buf_append(to, header, HEADER_SIZE, err) ||
			       buf_append(to, name, strlen(name) + 1, err) ||
			       initrd_align(to, err) ||
			       buf_append(to, contents.data, contents.size, err) ||
			       initrd_align(to, err)
		       ? -1
		       : 0;
}

int initrd_end(struct buf *to, struct err *err)
{
	return initrd_add(to, "TRAILER!!!", 0, (struct bytes){ 0 }, err);
}
