/** src/cli/push: `enroll`, `receive`. */
import { usageError } from '../../platform/errors/errors.ts';

/**
 * Returns the URL of a collector that an option names. Throws FleetError `usage` without the text, which may contain a
 * password.
 */
export function collectorUrl(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const advice = 'Write it like https://collector.example.org/.';
  if (url === null || !['https:', 'http:'].includes(url.protocol)) {
    throw usageError(`the value of ${option} is no URL of https or http`, advice);
  }
  if (url.username + url.password !== '') {
    throw usageError(`the URL of ${option} has a name or password in it`, advice);
  }
  return url;
}

/** Returns a URL below `base`. A path that begins with `//` stays a path: resolved, it would name another host. */
export function urlBelow(base: URL, path: string): URL {
  const url = new URL(base.origin);
  url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
  return url;
}
