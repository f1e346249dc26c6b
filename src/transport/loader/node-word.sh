# Sets z to a program for node: says the version on descriptor 3 if it is new enough, and runs the file that its first
# argument names. Descriptor 5 is the input of that file: another program with the name of node may read its input to the
# end. No quotes fit in: see client-scripts.ts.
z="p=process,v=p.versions.node.split(/[.]/);if(v[0]<18||v[0]==18&&v[1]<15)console.error(p.execPath+/ is too old/.source),p.exit(1);fs.writeSync(3,p.version);fleetHealthInput=5;(v=p.argv[1])&&require(v)"
# ask NODE -e "$z" ARG...: runs the program within the limit i, the words of timeout(1) or nothing. Sets v to
# `VERSION=STATUS`, or to `=STATUS` if the node says nothing. One line is read, and not to the end: BusyBox's timeout holds
# the descriptor until somebody has waited for the node. The PATH may have no other program.
ask() {
  v=$({
    $i "$@" 3>&1 >&4 4>&- 5<&0 </dev/null
    echo =$?
  } | {
    read v
    echo $v
  })
}
