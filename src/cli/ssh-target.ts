import type { Client } from '../config/config.ts';

/** Options and host for a command line of ssh(1) as people type it. A name that ssh_config explains brings its port along. */
export function sshTarget({ addressSaid, address, port }: Client, account: string): string {
  return `${addressSaid && port !== 22 ? `-p ${port} ` : ''}${account}@${shellWord(address)}`;
}

/** A word that no shell changes. */
export function shellWord(text: string): string {
  return /^[\w.:@%-]+$/.test(text) ? text : `'${text.replace(/[^ -~]|'/g, '?')}'`;
}
