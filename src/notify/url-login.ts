import { percentDecoded } from '../text/percent-decoded.ts';

/**
 * Takes name and password out of a URL, and returns them as the header of HTTP's Basic login (RFC 7617). Returns no
 * header for a URL without them.
 */
export function takeLogin(url: URL): { readonly authorization?: string } {
  const { username, password } = url;
  if (username === '' && password === '') return {};
  url.username = '';
  url.password = '';
  const login = Buffer.from(`${percentDecoded(username)}:${percentDecoded(password)}`).toString('base64');
  return { authorization: `Basic ${login}` };
}
