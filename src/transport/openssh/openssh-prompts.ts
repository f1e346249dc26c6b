import path from 'node:path';

import type { ErrorCode } from '../../errors.ts';
import { packageDir } from '../../state/paths.ts';
import { isPasswordPrompt } from '../ssh2/login.ts';
import type { OpensshSecrets } from './openssh-arguments.ts';
import type { OpensshLog } from './openssh-log.ts';

/** What ssh is told, or why the login ends here. */
export type PromptAnswer = { readonly answer: string } | { readonly code: ErrorCode; readonly refusal: string };

/** The program that ssh asks instead of a person. */
export const askpassPath: string = path.join(packageDir, 'src', 'transport', 'openssh', 'openssh-askpass.sh');

/** What has ssh ask it; `mark` is told apart from anything that a server can say. */
export function askpassEnvironment(mark: string): Record<string, string> {
  return { SSH_ASKPASS: askpassPath, SSH_ASKPASS_REQUIRE: 'force', FLEET_HEALTH_ASKS: mark };
}

/**
 * Answers what ssh asks, each secret once. The passphrase is told for a key that ssh itself asks about, never while
 * the server asks; the password where the server asks for it and nothing else. A hop before the client gets nothing.
 */
export function createPrompter(
  secrets: OpensshSecrets,
  privateKey: string | null,
): (prompt: string, log: Pick<OpensshLog, 'progress' | 'method'>) => PromptAnswer {
  let passwordTold = false;
  let passphraseTold = false;
  const tellPassword = (asked: string): PromptAnswer => {
    if (passwordTold || secrets.password === null) return { code: 'auth-failed', refusal: 'the password was refused' };
    if (/[\r\n]/.test(secrets.password))
      return { code: 'credentials-unusable', refusal: `${asked}: a line break in it` };
    passwordTold = true;
    return { answer: secrets.password };
  };
  return (prompt, { progress, method }) => {
    const asked = JSON.stringify(prompt.trim().slice(0, 80));
    if (progress !== 'login') {
      return { code: 'credentials-unusable', refusal: `a host on the way asks ${asked}, which is not answered` };
    }
    const key = /^Enter passphrase for key '(.*)': *$/.exec(prompt);
    if (key && (method === null || method === 'publickey')) {
      // An empty one has ssh go on with its next key.
      if (secrets.passphrase === null || (privateKey !== null && key[1] !== privateKey)) return { answer: '' };
      if (passphraseTold) return { code: 'credentials-unusable', refusal: 'the passphrase is wrong' };
      passphraseTold = true;
      return { answer: secrets.passphrase };
    }
    if (method === 'password') {
      if (/(?:old|new) password/i.test(prompt)) return { code: 'auth-failed', refusal: 'the password has expired' };
      if (/'s password: *$/.test(prompt)) return tellPassword('password');
    }
    if (method === 'keyboard-interactive' && isPasswordPrompt(prompt.replace(/^\(\S+@\S+\) /, ''))) {
      return tellPassword('password');
    }
    const code = method === 'publickey' ? 'credentials-unusable' : 'auth-failed';
    const by = method === 'keyboard-interactive' ? 'keyboard-interactive' : 'ssh';
    return { code, refusal: `${by} asks ${asked}, which is not answered` };
  };
}
