# Sets z to a program for node: says the version on descriptor 3 if it is new enough, and runs the file that its first
# argument names. Descriptor 5 is the input of that file: another program with the name of node may read its input to the
# end. No quotes fit in: see client-scripts.ts.
z="p=process,v=p.versions.node.split(/[.]/);if(v[0]<18||v[0]==18&&v[1]<15)console.error(/node is too old: /.source+p.execPath),p.exit(86);fs.writeSync(3,p.version);fleetHealthInput=5;(v=p.argv[1])&&require(v)"
# ask NODE ARG...: runs the program within the limit i, the words of timeout(1) or nothing. Sets v to what the node says.
ask() {
  p=$1
  shift
  v=$($i "$p" -e "$z" "$@" 3>&1 >&4 4>&- 5<&0 </dev/null)
  s=$?
}
