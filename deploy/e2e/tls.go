package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(name string) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return authority{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return authority{cert, key, encode("CERTIFICATE", der)}, err
}

// issue returns what a Secret for TLS holds.
func (a authority) issue(serial int64, names ...string) (map[string][]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	return map[string][]byte{
		core.TLSCertKey: encode("CERTIFICATE", der), core.TLSPrivateKeyKey: encode("PRIVATE KEY", private), "ca.crt": a.pem,
	}, err
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// A tlsRelease is one whose clients and nodes speak TLS.
type tlsRelease struct {
	*release
	main           *release // that clients go back to
	clients, peers authority
}

// installTLS installs a second release with TLS everywhere and sends the
// clients to it.
func installTLS(ctx context.Context, s *suite) error {
	t := &tlsRelease{release: s.release("trivet-tls", "tls"), main: s.on}
	var err error
	if t.clients, err = newAuthority("e2e clients"); err != nil {
		return err
	}
	if t.peers, err = newAuthority("e2e nodes"); err != nil {
		return err
	}
	t.ca = string(t.clients.pem)
	t.set["tls.enabled"], t.set["tls.existingSecret"] = "true", t.name+"-clients"
	t.set["peerTLS.enabled"], t.set["peerTLS.existingSecret"] = "true", t.name+"-nodes"
	if err := t.renew(ctx, 100); err != nil {
		return err
	}
	if err := t.apply(ctx, true); err != nil {
		return err
	}
	if err := t.settled(ctx, replicas); err != nil {
		return err
	}
	s.tls = t
	return s.turnTo(ctx, t.release)
}

// renew gives the Secrets new certificates with a serial number.
func (t *tlsRelease) renew(ctx context.Context, serial int64) error {
	pods := "*." + t.name + "-peers." + t.namespace + ".svc.cluster.local"
	service := t.name + "." + t.namespace + ".svc"
	leader := t.name + "-leader." + t.namespace + ".svc"
	clients, err := t.clients.issue(serial, service, service+".cluster.local", leader, leader+".cluster.local", pods)
	if err != nil {
		return err
	}
	peers, err := t.peers.issue(serial, pods)
	if err != nil {
		return err
	}
	return errors.Join(t.putSecret(ctx, t.name+"-clients", clients), t.putSecret(ctx, t.name+"-nodes", peers))
}

// putSecret makes or changes a Secret.
func (k *kube) putSecret(ctx context.Context, name string, data map[string][]byte) error {
	secret := &core.Secret{ObjectMeta: meta.ObjectMeta{Name: name}, Type: core.SecretTypeTLS, Data: data}
	_, err := k.CoreV1().Secrets(k.namespace).Create(ctx, secret, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = k.CoreV1().Secrets(k.namespace).Update(ctx, secret, meta.UpdateOptions{})
	}
	return err
}

// renewTLS renews all certificates and waits until each node shows the new ones
// at both ports, without having been started again.
func renewTLS(ctx context.Context, s *suite) (string, error) {
	t := s.tls
	const serial = 200
	began := time.Now()
	if err := t.renew(ctx, serial); err != nil {
		return "", err
	}
	for i := range replicas {
		for _, port := range []int{6379, 7379} {
			addr := fmt.Sprintf("%s-%d.%s-peers.%s.svc.cluster.local:%d", t.name, i, t.name, t.namespace, port)
			if err := until(ctx, "a new certificate at "+addr, func() error {
				got, err := s.writer.serial(ctx, addr)
				if err == nil && got != fmt.Sprint(serial) {
					err = fmt.Errorf("its serial number is %s", got)
				}
				return err
			}); err != nil {
				return "", err
			}
		}
	}
	note := fmt.Sprintf("shown by all after %.0f s", time.Since(began).Seconds())
	pods, err := t.pods(ctx, t.name)
	for _, p := range pods {
		for _, c := range p.Status.ContainerStatuses {
			if c.RestartCount > 0 {
				err = fmt.Errorf("%s was restarted", p.Name)
			}
		}
	}
	return note, err
}

// removeTLS takes the second release away and sends the clients back.
func removeTLS(ctx context.Context, s *suite) error {
	t := s.tls
	all, err := s.writer.check(ctx)
	if err := errors.Join(err, faulty(all)); err != nil {
		return err
	}
	if err := s.turnTo(ctx, t.main); err != nil {
		return err
	}
	return t.uninstall(ctx)
}
