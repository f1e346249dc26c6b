/** The types of file systems that are images: full by nature. */
export const imageTypes: ReadonlySet<string> = new Set(['cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', 'udf']);
