/** The lists of machines that are understood. */
export const importKinds = ['ansible', 'nagios', 'ssh-config', 'known-hosts', 'csv', 'pattoo'] as const;

export type ImportKind = (typeof importKinds)[number];
