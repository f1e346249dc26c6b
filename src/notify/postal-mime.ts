/** The only file that imports postal-mime, which reads mails. */
export { decodeWords, default as PostalMime } from 'postal-mime';
