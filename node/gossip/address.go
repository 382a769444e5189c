package gossip

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// resolveFor is how long a node waits at its start for the name that it
// advertises: a name server may learn of a new pod later than the pod, and
// remember for a while that it did not know it. Meanwhile the node is alive, and
// says in its log what it waits for.
const resolveFor = time.Minute

// split takes host:port apart.
func split(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("address %s: port %q is no number from 0 to 65535", addr, text)
	}
	return host, int(n), nil
}

// resolve returns the one address of host, trying again for a while.
func resolve(host string, log func(error)) (string, error) {
	if ip := net.ParseIP(host); ip != nil {
		return host, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveFor)
	defer cancel()
	for said := false; ; {
		ips, err := lookup(ctx, host)
		if err == nil {
			return ips[0], nil
		}
		if !said {
			log(err)
			said = true
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// lookup returns all addresses of host, IPv4 first. There is at least one
// where the error is nil.
func lookup(ctx context.Context, host string) ([]string, error) {
	addrs, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	var four, six []string
	for _, a := range addrs {
		if a.IP.To4() != nil {
			four = append(four, a.IP.String())
		} else {
			six = append(six, a.String())
		}
	}
	if len(four)+len(six) == 0 {
		return nil, fmt.Errorf("lookup %s: no addresses", host)
	}
	return append(four, six...), nil
}
