//! Which ports of a public host a customer may name.
//!
//! Threat: a request whose bytes mean something to a server that is not a web server, on a host that happens to be
//! public. 443 is open; below 1024 nothing else is; from 1024 up everything but the well-known ports below.
//!
//! Sources: each product's documentation, and the Fetch standard's "bad ports", which browsers refuse too. Ports
//! that are as often an ordinary web server as anything else (3000, 4000, 5000, 7000, 8000, 8123, 9000) stay open.

/// Sorted, so that a lookup is a binary search; a test keeps it so.
const REFUSED: &[u16] = &[
    1025,  // Teradata
    1414,  // IBM MQ
    1433,  // SQL Server
    1434,  // SQL Server browser
    1521,  // Oracle
    1526,  // Oracle
    1527,  // Derby
    1719,  // H.323 (Fetch)
    1720,  // H.323 (Fetch)
    1723,  // PPTP (Fetch)
    1883,  // MQTT
    2049,  // NFS (Fetch)
    2181,  // ZooKeeper
    2375,  // Docker
    2376,  // Docker with TLS
    2377,  // Docker Swarm
    2379,  // etcd
    2380,  // etcd peers
    2424,  // OrientDB
    2480,  // OrientDB
    2483,  // Oracle
    2484,  // Oracle with TLS
    2888,  // ZooKeeper peers
    3050,  // Firebird
    3306,  // MySQL
    3389,  // RDP
    3659,  // Apple SASL (Fetch)
    3888,  // ZooKeeper election
    4045,  // NFS lock (Fetch)
    4150,  // NSQ
    4151,  // NSQ
    4160,  // NSQ lookup
    4161,  // NSQ lookup
    4190,  // ManageSieve (Fetch)
    4222,  // NATS
    4243,  // Docker, old
    4369,  // Erlang port mapper
    4646,  // Nomad
    4647,  // Nomad
    4648,  // Nomad
    4730,  // Gearman
    5060,  // SIP (Fetch)
    5061,  // SIP (Fetch)
    5432,  // PostgreSQL
    5433,  // PostgreSQL second cluster, YugabyteDB, Vertica
    5671,  // AMQP with TLS
    5672,  // AMQP
    5701,  // Hazelcast
    5900,  // VNC
    5984,  // CouchDB
    5985,  // WinRM
    5986,  // WinRM with TLS
    6000,  // X11 (Fetch)
    6222,  // NATS cluster
    6379,  // Redis
    6380,  // Redis with TLS
    6432,  // PgBouncer
    6443,  // Kubernetes API
    6566,  // SANE (Fetch)
    6650,  // Pulsar
    6651,  // Pulsar with TLS
    6665,  // IRC (Fetch)
    6666,  // IRC (Fetch)
    6667,  // IRC (Fetch)
    6668,  // IRC (Fetch)
    6669,  // IRC (Fetch)
    6679,  // IRC with TLS (Fetch)
    6697,  // IRC with TLS (Fetch)
    6984,  // CouchDB with TLS
    7001,  // Cassandra peers with TLS
    7199,  // Cassandra JMX
    7474,  // Neo4j
    7687,  // Neo4j Bolt
    8086,  // InfluxDB
    8091,  // Couchbase
    8092,  // Couchbase
    8093,  // Couchbase
    8161,  // ActiveMQ console
    8222,  // NATS monitoring
    8300,  // Consul
    8301,  // Consul
    8302,  // Consul
    8500,  // Consul
    8501,  // Consul with TLS
    8502,  // Consul gRPC
    8529,  // ArangoDB
    8600,  // Consul DNS
    8883,  // MQTT with TLS
    8983,  // Solr
    9042,  // Cassandra
    9092,  // Kafka
    9093,  // Kafka with TLS
    9094,  // Kafka outside listener
    9142,  // Cassandra with TLS
    9160,  // Cassandra Thrift
    9200,  // Elasticsearch
    9300,  // Elasticsearch peers
    10080, // Amanda (Fetch)
    10248, // kubelet health
    10249, // kube-proxy
    10250, // kubelet
    10255, // kubelet read-only
    10256, // kube-proxy health
    10257, // kube-controller-manager
    10259, // kube-scheduler
    10800, // Ignite
    11207, // Couchbase with TLS
    11210, // Couchbase
    11211, // memcached
    11300, // beanstalkd
    15671, // RabbitMQ console with TLS
    15672, // RabbitMQ console
    16379, // Redis cluster bus
    16443, // MicroK8s API
    18091, // Couchbase with TLS
    19530, // Milvus
    20160, // TiKV
    25672, // RabbitMQ peers
    26257, // CockroachDB
    26379, // Redis Sentinel
    27017, // MongoDB
    27018, // MongoDB shard
    27019, // MongoDB config server
    27020, // MongoDB crypt
    28015, // RethinkDB
    28017, // MongoDB web status
    29015, // RethinkDB peers
    33060, // MySQL X
    50000, // Db2
    61613, // STOMP
    61614, // STOMP over WebSocket
    61616, // ActiveMQ
];

/// Whether `port` is open without the operator saying anything.
pub(crate) fn is_ordinary(port: u16) -> bool {
    port == 443 || (port >= 1024 && REFUSED.binary_search(&port).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_holds_what_matters() {
        assert!(REFUSED.windows(2).all(|pair| pair[0] < pair[1]), "binary search needs order");
        for port in [0, 22, 25, 80, 444, 1023, 2375, 5432, 6379, 9200, 10250, 11211, 27017] {
            assert!(!is_ordinary(port), "{port}");
        }
        for port in [443, 1024, 3000, 4443, 5000, 8000, 8080, 8443, 9443, 10443, 65535] {
            assert!(is_ordinary(port), "{port}");
        }
    }
}
