"""Make certificates for servers on this machine: one that a client can trust, and ones that nobody should."""

import datetime as dt
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(subject, issuer, key, *, until):
    begun = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
    begun = begun.public_key(key.public_key()).serial_number(x509.random_serial_number())
    return begun.not_valid_before(NOW - 9 * DAY).not_valid_after(until)


class Authority:
    """Issue certificates; `trust` is the context of a client that believes them."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        begun = _begun("authority", "authority", self._key, until=NOW + DAY)
        begun = begun.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._root = begun.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())

    @property
    def trust(self):
        return ssl.create_default_context(cadata=self._root.public_bytes(serialization.Encoding.PEM).decode())

    def serve(self, folder, *, host="127.0.0.1", until=NOW + DAY):
        """Return the context of a server for a host, valid until a moment."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            names = [x509.IPAddress(ipaddress.ip_address(host))]
        except ValueError:
            names = [x509.DNSName(host)]
        begun = _begun(host, "authority", key, until=until)
        begun = begun.add_extension(x509.SubjectAlternativeName(names), critical=False)
        found = begun.sign(self._key, hashes.SHA256())
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        file = folder / f"{host.replace(':', '_')}-{until:%Y%m%d}.pem"
        file.write_bytes(pem + found.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context
