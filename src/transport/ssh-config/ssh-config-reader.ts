import { hostname } from 'node:os';

import { accountName, loginHome } from '../../platform/account.ts';
import { remembered } from '../../platform/remembered.ts';
import { askSshConfig, type SshConfigAnswer, type SshConfigQuestion } from './ssh-config.ts';
import { loadSshConfig, type SshConfigFile } from './ssh-config-file.ts';
import type { SshSelf } from './ssh-config-tokens.ts';
import { sshConfigValues, type SshConfigValues } from './ssh-config-values.ts';

/** The options that ssh_config files set for a host, as written and as parsed values. */
export interface SshConfigReading {
  readonly answer: SshConfigAnswer;
  readonly values: SshConfigValues;
}

export interface SshConfigReader {
  readonly self: SshSelf;
  /** Reads one file. Throws FleetError `config-invalid` if ssh rejects the file. */
  load(file: string): SshConfigFile;
  /** Looks up a host in files. Throws FleetError `config-invalid` for every host if ssh rejects one of the files. */
  ask(files: readonly string[], question: Omit<SshConfigQuestion, 'self'>): SshConfigReading;
}

/** Creates a reader for one run. Reads each file once, at its first use. */
export function createSshConfigReader(self: SshSelf = ownSelf()): SshConfigReader {
  const loaded = remembered((path: string): { readonly file: SshConfigFile } | { readonly fault: unknown } => {
    try {
      return { file: loadSshConfig(path, self) };
    } catch (fault) {
      return { fault };
    }
  });
  const load = (path: string): SshConfigFile => {
    const known = loaded(path);
    if ('fault' in known) throw known.fault;
    return known.file;
  };
  return {
    self,
    load,
    ask: (files, asked) => {
      const question: SshConfigQuestion = { ...asked, self };
      const answer = askSshConfig(files.map(load), question);
      return { answer, values: sshConfigValues(answer, question) };
    },
  };
}

/** Returns the user and machine of this process. */
function ownSelf(): SshSelf {
  const uid = String(process.getuid?.() ?? 0);
  return { user: accountName() ?? uid, uid, home: loginHome(), hostname: hostname(), environment: process.env };
}
