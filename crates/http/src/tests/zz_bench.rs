use super::harness::*;
use crate::state::Settings;
use tower::ServiceExt;
#[test]
fn speed() {
    let body = br#"{"to":"+12025550101","purpose":"transactional","text":"Your parcel is here, come and get it."}"#;
    let n = 1_000_000;
    let t = std::time::Instant::now();
    for _ in 0..n { assert!(crate::json::decode::<crate::wire::MessageSend>(std::hint::black_box(body)).is_ok()); }
    eprintln!("decode {:?}", t.elapsed() / n);
    let body = br#"{"to":"+12025550101","purpose":"transactional","template":{"name":"order_ready","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ada"}]}]}}"#;
    let t = std::time::Instant::now();
    for _ in 0..n { assert!(crate::json::decode::<crate::wire::MessageSend>(std::hint::black_box(body)).is_ok()); }
    eprintln!("decode template {:?}", t.elapsed() / n);
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    rt.block_on(async {
        let r = router(Settings::default());
        let n = 200_000;
        let t = std::time::Instant::now();
        for _ in 0..n {
            let rq = request("POST", "/v1/messages", &[("authorization","Bearer gp_test_admin"),("content-type","application/json"),("idempotency-key","abc")], r#"{"to":"+12025550101","purpose":"transactional","text":"Your parcel is here, come and get it."}"#);
            let a = r.clone().oneshot(rq).await.unwrap();
            assert_eq!(a.status().as_u16(), 202);
        }
        eprintln!("request {:?}", t.elapsed() / n);
        let t = std::time::Instant::now();
        for _ in 0..n {
            let rq = request("GET", "/free", &[], "");
            let a = r.clone().oneshot(rq).await.unwrap();
            assert_eq!(a.status().as_u16(), 200);
        }
        eprintln!("free {:?}", t.elapsed() / n);
    });
}
