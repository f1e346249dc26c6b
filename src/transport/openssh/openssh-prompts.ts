import path from 'node:path';

import type { ErrorCode } from '../../platform/errors/errors.ts';
import { packageDir } from '../../state-folder/paths.ts';
import { isPasswordPrompt } from '../ssh2/password-prompt.ts';
import type { OpensshSecrets } from './openssh-arguments.ts';
import type { OpensshLog } from './openssh-log.ts';

/** The answer to a prompt of ssh, or the reason to end the login. */
export type PromptAnswer = { readonly answer: string } | { readonly code: ErrorCode; readonly refusal: string };

/** The program that ssh runs for prompts. */
export const askpassPath: string = path.join(packageDir, 'src', 'transport', 'openssh', 'openssh-askpass.sh');

/**
 * Returns the environment that makes ssh run `askpassPath`. `mark` distinguishes prompts from any text that a server
 * can send.
 */
export function askpassEnvironment(mark: string): Record<string, string> {
  return { SSH_ASKPASS: askpassPath, SSH_ASKPASS_REQUIRE: 'force', FLEET_HEALTH_ASKS: mark };
}

/**
 * Answers the prompts of ssh, each secret once. The passphrase answers only ssh's own question for a key, never a
 * server's. The password answers only the server's password prompt. A hop before the client gets no secret.
 */
export function createPrompter(
  secrets: OpensshSecrets,
  privateKey: string | null,
): (prompt: string, log: Pick<OpensshLog, 'progress' | 'method'>) => PromptAnswer {
  let passwordGiven = false;
  let passphraseGiven = false;
  const givePassword = (asked: string): PromptAnswer => {
    if (passwordGiven || secrets.password === null) return { code: 'auth-failed', refusal: 'the password was refused' };
    if (/[\r\n]/.test(secrets.password))
      return { code: 'credentials-unusable', refusal: `${asked}: a line break in it` };
    passwordGiven = true;
    return { answer: secrets.password };
  };
  return (written, { progress, method }) => {
    const prompt = withoutOctals(written);
    const asked = JSON.stringify(prompt.trim().slice(0, 80));
    if (progress !== 'login') {
      return { code: 'credentials-unusable', refusal: `a host on the way asks ${asked}, which is not answered` };
    }
    const key = /^Enter passphrase for key '(.*)': *$/.exec(prompt);
    if (key && (method === null || method === 'publickey')) {
      // After an empty passphrase ssh continues with the next key.
      if (secrets.passphrase === null || (privateKey !== null && key[1] !== privateKey)) return { answer: '' };
      if (passphraseGiven) return { code: 'credentials-unusable', refusal: 'the passphrase is wrong' };
      passphraseGiven = true;
      return { answer: secrets.passphrase };
    }
    if (method === 'password') {
      if (/(?:old|new) password/i.test(prompt)) return { code: 'auth-failed', refusal: 'the password has expired' };
      if (/'s password: *$/.test(prompt)) return givePassword('password');
    }
    if (method === 'keyboard-interactive' && isPasswordPrompt(prompt.replace(/^\(\S+@\S+\) /, ''))) {
      return givePassword('password');
    }
    const code = method === 'publickey' ? 'credentials-unusable' : 'auth-failed';
    const by = method === 'keyboard-interactive' ? 'keyboard-interactive' : 'ssh';
    return { code, refusal: `${by} asks ${asked}, which is not answered` };
  };
}

/** Returns a prompt as it was sent: without a locale, ssh writes bytes beyond ASCII as in `L\\303\\266senord`. */
function withoutOctals(prompt: string): string {
  return prompt.replace(/(?:\\[23]\d\d)+/g, (octals) => {
    const bytes = octals.slice(1).split('\\');
    return Buffer.from(bytes.map((octal) => Number.parseInt(octal, 8))).toString();
  });
}
