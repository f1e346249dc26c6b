// Tries TCP connections from a client, all at once. Sends nothing.
//
// Arguments: sign, seconds for each connection, then pairs of address and port. Writes the lines of look.sh.
var args = process.argv;
for (let at = 3; at + 1 < args.length; at += 2) {
  let socket = require('net').connect(+args[at + 1], args[at]);
  let end = (words) => {
    console.log(args[1], (at - 3) / 2, words);
    socket.destroy();
  };
  socket.once('connect', () => end('reached'));
  socket.once('error', (error) => end(error.code));
  socket.setTimeout(args[2] * 1000, () => end('timed out'));
}
