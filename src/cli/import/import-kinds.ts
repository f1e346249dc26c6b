/** The kinds of lists of machines that can be imported. */
export const importKinds = [
  'ansible',
  'nagios',
  'ssh-config',
  'known-hosts',
  'csv',
  'hosts',
  'http-sd',
  'prometheus',
  'pattoo',
] as const;

export type ImportKind = (typeof importKinds)[number];
