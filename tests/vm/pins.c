/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An EFI application that makes a hostile memory map, then boots Linux.
 *
 * From the volume it was loaded from it reads
 *
 *	\pins		lines "TYPE START COUNT STRIDE PAGES", hexadecimal without 0x: COUNT
 *			allocations of PAGES pages of EFI memory type TYPE (UEFI 2.10, 7.2.1),
 *			at START and every STRIDE bytes above
 *	\cmdline	the kernel's command line, with initrd=\NAME
 *	\vmlinuz	a kernel with an EFI stub
 *
 * Every pinned page is filled with its own address, 512 times. What cannot be had, as
 * the firmware is there already, is left out: \pins describes wishes. The kernel is
 * read after that, so that it is the kernel that has to live with the pins.
 *
 * Build: see build_pins in lib.sh.
 */
#include <efi.h>

enum { PAGE = 4096, TEXT_MAX = 4096, PATH_CHARS = 9 };

static EFI_SYSTEM_TABLE *table;
static EFI_BOOT_SERVICES *boot;

static EFI_GUID loaded_image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
static EFI_GUID file_system_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
static EFI_GUID device_path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;

/* The compiler makes calls of it for large copies. */
void *memset(void *to, int value, UINTN size);
void *memset(void *to, int value, UINTN size)
{
	boot->SetMem(to, size, (UINT8)value);
	return to;
}

static EFI_STATUS complain(EFI_STATUS status, CHAR16 *what)
{
	table->ConOut->OutputString(table->ConOut, what);
	table->ConOut->OutputString(table->ConOut, L" failed\r\n");
	return status;
}

static EFI_STATUS read_text(EFI_FILE *root, CHAR16 *name, char text[TEXT_MAX], UINTN *ret_size)
{
	UINTN size = TEXT_MAX;
	EFI_FILE *file;
	EFI_STATUS status = root->Open(root, &file, name, EFI_FILE_MODE_READ, 0);

	if (EFI_ERROR(status))
		return complain(status, name);
	status = file->Read(file, &size, text);
	file->Close(file);
	*ret_size = size;
	return EFI_ERROR(status) ? complain(status, name) : EFI_SUCCESS;
}

/* One hexadecimal number and the white space before it; FALSE at the text's end. */
static BOOLEAN number(const char **at, const char *end, UINT64 *ret)
{
	UINT64 value = 0;

	while (*at < end && (**at == ' ' || **at == '\n' || **at == '\r'))
		(*at)++;
	if (*at == end)
		return FALSE;
	for (; *at < end; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			value = value << 4 | (UINT64)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (UINT64)(c - 'a' + 10);
		else
			break;
	}
	*ret = value;
	return TRUE;
}

static void pin(UINT64 type, EFI_PHYSICAL_ADDRESS at, UINT64 pages)
{
	EFI_PHYSICAL_ADDRESS got = at;

	if (EFI_ERROR(boot->AllocatePages(AllocateAddress, (EFI_MEMORY_TYPE)type, pages, &got)))
		return;
	for (UINT64 word = got; word < got + pages * PAGE; word += sizeof(UINT64))
		*(volatile UINT64 *)word = word & ~(UINT64)(PAGE - 1);
}

static void pin_all(const char *at, const char *end)
{
	UINT64 type, start, count, stride, pages;

	while (number(&at, end, &type) && number(&at, end, &start) && number(&at, end, &count) &&
	       number(&at, end, &stride) && number(&at, end, &pages))
		for (UINT64 i = 0; i < count; i++)
			pin(type, start + i * stride, pages);
}

/* The volume's device path with \vmlinuz behind it: what LoadImage takes, so that the
 * kernel's stub finds the volume, too. */
static EFI_STATUS kernel_path(EFI_HANDLE volume, EFI_DEVICE_PATH **ret)
{
	static CHAR16 name[PATH_CHARS] = L"\\vmlinuz";
	EFI_DEVICE_PATH *path, *node;
	UINTN size = 0, length = sizeof(EFI_DEVICE_PATH) + sizeof(name);
	UINT8 *made;
	EFI_STATUS status = boot->HandleProtocol(volume, &device_path_guid, (void **)&path);

	if (EFI_ERROR(status))
		return status;
	for (node = path; node->Type != 0x7f;) {
		UINTN step = node->Length[0] | (UINTN)node->Length[1] << 8;

		size += step;
		node = (EFI_DEVICE_PATH *)((UINT8 *)node + step);
	}
	status = boot->AllocatePool(EfiLoaderData, size + length + sizeof(EFI_DEVICE_PATH),
				    (void **)&made);
	if (EFI_ERROR(status))
		return status;
	boot->CopyMem(made, path, size);
	node = (EFI_DEVICE_PATH *)(made + size);
	*node = (EFI_DEVICE_PATH){ MEDIA_DEVICE_PATH, MEDIA_FILEPATH_DP, { (UINT8)length, 0 } };
	boot->CopyMem(node + 1, name, sizeof(name));
	node = (EFI_DEVICE_PATH *)(made + size + length);
	*node = (EFI_DEVICE_PATH){ 0x7f, 0xff, { sizeof(EFI_DEVICE_PATH), 0 } };
	*ret = (EFI_DEVICE_PATH *)made;
	return EFI_SUCCESS;
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system_table);
EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system_table)
{
	static char pins[TEXT_MAX], cmdline[TEXT_MAX];
	static CHAR16 options[TEXT_MAX];
	EFI_LOADED_IMAGE *loaded, *kernel_image;
	EFI_FILE_IO_INTERFACE *volume;
	EFI_DEVICE_PATH *path;
	EFI_HANDLE kernel;
	EFI_FILE *root;
	UINTN pins_size, cmdline_size;
	EFI_STATUS status;

	table = system_table;
	boot = system_table->BootServices;
	status = boot->HandleProtocol(image, &loaded_image_guid, (void **)&loaded);
	if (!EFI_ERROR(status))
		status = boot->HandleProtocol(loaded->DeviceHandle, &file_system_guid,
					      (void **)&volume);
	if (!EFI_ERROR(status))
		status = volume->OpenVolume(volume, &root);
	if (EFI_ERROR(status))
		return complain(status, L"own volume");
	status = read_text(root, L"\\pins", pins, &pins_size);
	if (EFI_ERROR(status))
		return status;
	status = read_text(root, L"\\cmdline", cmdline, &cmdline_size);
	if (EFI_ERROR(status))
		return status;
	status = kernel_path(loaded->DeviceHandle, &path);
	if (EFI_ERROR(status))
		return complain(status, L"path of \\vmlinuz");

	pin_all(pins, pins + pins_size);

	status = boot->LoadImage(FALSE, image, path, NULL, 0, &kernel);
	if (EFI_ERROR(status))
		return complain(status, L"\\vmlinuz");
	for (UINTN i = 0; i < cmdline_size && cmdline[i] != '\n'; i++)
		options[i] = (CHAR16)cmdline[i];
	status = boot->HandleProtocol(kernel, &loaded_image_guid, (void **)&kernel_image);
	if (EFI_ERROR(status))
		return complain(status, L"loaded image");
	kernel_image->LoadOptions = options;
	kernel_image->LoadOptionsSize = (UINT32)(cmdline_size * sizeof(CHAR16));
	status = boot->StartImage(kernel, NULL, NULL);
	return complain(status, L"start of \\vmlinuz");
}
