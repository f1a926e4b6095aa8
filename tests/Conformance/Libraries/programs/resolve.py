import socket
import sys

for address in socket.getaddrinfo(sys.argv[1], None, type=socket.SOCK_STREAM):
    print(address[4][0])
