// Judges chains as Go's TLS does. Its argument is a folder with one folder for each case: root.pem,
// chain.pem (leaf first, root left out). The answer is one line for each case and purpose:
// CASE PURPOSE good, or CASE PURPOSE refused and the reason. Go looks at no revocation list.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func certificates(path string) []*x509.Certificate {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var found []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			panic(err)
		}
		found = append(found, certificate)
	}
	return found
}

func judge(folder string, usage x509.ExtKeyUsage) string {
	chain := certificates(filepath.Join(folder, "chain.pem"))
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   time.Now(),
		KeyUsages:     []x509.ExtKeyUsage{usage},
	}
	options.Roots.AddCert(certificates(filepath.Join(folder, "root.pem"))[0])
	for _, above := range chain[1:] {
		options.Intermediates.AddCert(above)
	}
	if len(chain[0].DNSNames) > 0 {
		options.DNSName = chain[0].DNSNames[0]
	}
	if _, err := chain[0].Verify(options); err != nil {
		return "refused " + err.Error()
	}
	return "good"
}

func main() {
	folders, err := filepath.Glob(filepath.Join(os.Args[1], "*"))
	if err != nil {
		panic(err)
	}
	for _, folder := range folders {
		name := filepath.Base(folder)
		fmt.Println(name, "server", judge(folder, x509.ExtKeyUsageServerAuth))
		fmt.Println(name, "client", judge(folder, x509.ExtKeyUsageClientAuth))
	}
}
