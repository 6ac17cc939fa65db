//! The proof that the suites run on glassloop: outside of its loop, these would panic.

#[test]
fn the_block_on_of_futures_lite_is_glassloops() {
    futures_lite::future::block_on(async { glassloop::stats() });
}

#[test]
fn the_block_on_of_futures_is_glassloops() {
    futures::executor::block_on(async { glassloop::stats() });
}

#[test]
fn the_block_on_stream_of_futures_is_glassloops() {
    let stream = futures::stream::repeat_with(glassloop::stats).take(2);
    use futures::StreamExt as _;
    assert_eq!(futures::executor::block_on_stream(stream).count(), 2);
}

#[test]
fn the_block_on_of_futures_executor_is_glassloops() {
    futures_executor::block_on(async { glassloop::stats() });
}

#[futures_test::test]
async fn a_test_of_futures_test_runs_on_glassloop() {
    glassloop::stats();
}
