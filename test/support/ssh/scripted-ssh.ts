/** A program `ssh` in PATH that plays the texts of a test, in place of OpenSSH: no server and no keys. */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { OpensshTarget } from '../../../src/transport/openssh/openssh-arguments.ts';
import { tempFolder } from '../temp-folder.ts';

const program = `#!/bin/sh
dir=\${0%/*}
began='touch '$dir/began
say() { printf '%s\\n' "$@" >&2; }
case $1 in -V) . "$dir/version" ;; -G) . "$dir/settings" ;; -M) socket=$3; . "$dir/master" ;; *) . "$dir/command" ;; esac
`;

/** The texts of the program: shell commands. `say` writes lines to stderr. */
export interface ScriptedTexts {
  /** For `ssh -V`. */
  readonly version?: string;
  /** For `ssh -G`. */
  readonly settings?: string;
  /** For the ssh that logs in. `$socket` is its control socket. */
  readonly master?: string;
  /** For the ssh of each command. `log TEXT` makes the ssh that logged in write a line. */
  readonly command?: string;
}

export interface ScriptedSsh {
  /** The folder of the program, `$dir` in its texts. */
  readonly dir: string;
  readonly set: (texts: ScriptedTexts) => void;
  /** Resolves once a text has run `$began`, and what it has said before is read. */
  readonly began: () => Promise<void>;
}

/** Puts the program first in PATH. */
export function scriptSsh(): ScriptedSsh {
  const dir = tempFolder();
  writeFileSync(path.join(dir, 'ssh'), program, { mode: 0o755 });
  execFileSync('mkfifo', [path.join(dir, 'fifo')]);
  process.env['PATH'] = `${dir}:${process.env['PATH'] ?? ''}`;
  const set = ({ version = 'say OpenSSH_9.2p1', settings = '', master = '', command = '' }: ScriptedTexts): void => {
    rmSync(path.join(dir, 'began'), { force: true });
    const logs = 'log() { printf "%s\\n" "$@" >"$dir/fifo"; }\n';
    for (const [name, text] of Object.entries({ version, settings, master, command: logs + command })) {
      writeFileSync(path.join(dir, name), `${text}\n`);
    }
  };
  set({});
  const began = async (): Promise<void> => {
    while (!existsSync(path.join(dir, 'began'))) await nextTurn();
    // The pipes are read in each turn.
    for (let turns = 0; turns < 3; turns += 1) await nextTurn();
  };
  return { dir, set, began };
}

export const connecting = "say 'debug1: Connecting to web-1 [192.0.2.1] port 22.'";
export const silent = `${connecting} 'debug1: Connection established.'`;
export const greeted = `${silent} 'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1'`;
export const atLogin = `${greeted} 'debug1: SSH2_MSG_NEWKEYS received'`;
export const loggedIn = `${atLogin} 'Authenticated to web-1 ([192.0.2.1]:22) using "publickey".'`;
/** A login that succeeds. It writes what commands log, until it is killed. */
export const staysIn = `${loggedIn}; : >"$socket"; say 'debug1: ready'; exec cat <>"$dir/fifo" >&2`;
export const hangs = 'exec sleep 60';

export const scriptedTarget: OpensshTarget = {
  ...{ client: 'web-1', host: 'web-1', hostName: null, port: null, username: 'monitor', config: 'none' },
  ...{ knownHosts: '/state/known_hosts', policy: 'strict', kex: null, privateKey: null, agent: null },
  ...{ hostKeyAlias: null, route: null, jumps: [], secrets: () => ({ password: null, passphrase: null }) },
};
