import { functionReport } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';
import { inOrder, inventoryMs } from './inventory.ts';

const maxPasswdBytes = 256 * 1024;
const noLogin = /\/(nologin|false|sync|halt|shutdown|true|git-shell)$/;

/** Local accounts that somebody could log in to: those of /etc/passwd with a shell. Who is logged in is no fact. */
export const users: Probe = {
  name: 'users',
  deadlineMs: inventoryMs,
  run: ({ source }) => {
    const lines = source.readStart('/etc/passwd', maxPasswdBytes).split('\n');
    const rows = lines.flatMap((line) => {
      const [user = '', , uid = '', , , home = '', shell] = line.split(':');
      // Without a shell of its own an account has /bin/sh.
      if (shell === undefined || user === '' || user.startsWith('#') || noLogin.test(shell)) return [];
      return [{ user, home, shell: shell === '' ? '/bin/sh' : shell, uid: Number(uid) }];
    });
    return { functions: [functionReport('user', inOrder(rows, 'user'))] };
  },
};
