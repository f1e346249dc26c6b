import { userInfo } from 'node:os';

const maxChars = 255;

/** Who says something to the alerter: $USER, else the account's name; cron sets neither variable everywhere. */
export function authorName(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = environment['USER']?.trim() ?? '';
  if (named !== '') return named.slice(0, maxChars);
  try {
    return userInfo().username;
  } catch {
    // An account without a line in the password file, as in a container.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
