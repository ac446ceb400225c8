//! QR codes in half blocks (ISO/IEC 18004): two modules of a column in one character, since cells of a terminal are twice as
//! high as wide. Readers expect dark modules on a light ground, so that the light ones are drawn, for a bright pen on dark
//! ground.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code. The standard asks for 4; readers manage with 2, and a screen of 24 lines has no more.
const QUIET: usize = 2;

/// The lines of a code; none if the text is too long for one, or the code wider than `columns`.
pub(super) fn lines(text: &str, columns: Option<u16>) -> Vec<String> {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::L) else {
        return Vec::new();
    };
    let width = code.width();
    let whole = width.saturating_add(QUIET.saturating_mul(2));
    if columns.is_some_and(|columns| whole > usize::from(columns)) {
        return Vec::new();
    }
    let modules = code.to_colors();
    let is_light = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < width);
        let place =
            inside(x).zip(inside(y)).map(|(x, y)| y.saturating_mul(width).saturating_add(x));
        place.and_then(|place| modules.get(place)) != Some(&Color::Dark)
    };
    let cell = |x: usize, y: usize| match (is_light(x, y), is_light(x, y.saturating_add(1))) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    (0..whole).step_by(2).map(|y| (0..whole).map(|x| cell(x, y)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels of a module in a picture of the screen.
    const PIXELS: usize = 4;

    /// What a phone reads from a picture of these lines: cells twice as high as wide, bright where drawn.
    fn read(lines: &[String]) -> String {
        let rows: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
        let bright = |x: usize, y: usize| {
            let cell = rows[y.div_euclid(2 * PIXELS)][x.div_euclid(PIXELS)];
            let upper = y % (2 * PIXELS) < PIXELS;
            matches!((cell, upper), ('█', _) | ('▀', true) | ('▄', false))
        };
        let (width, height) = (rows[0].len() * PIXELS, rows.len() * 2 * PIXELS);
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            if bright(x, y) { 255 } else { 0 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1, "one code on the screen");
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_phone_reads_what_was_written() {
        for text in [
            "https://ob.gocardless.com/psd2/start/3fa85f64-5717-4562-b3fc-2c963f66afa6/SANDBOXFINANCE_SFIN0000",
            "http://127.0.0.1:41234/psd2/start/3fa85f64-5717-4562-b3fc-2c963f66afa6/N26_NTSBDEB1",
            "https://bank.example/consent?x=1",
            "https://bank.example/",
        ] {
            let lines = lines(text, Some(80));
            assert_eq!(read(&lines), text);
            // With the page's address above and the state below, all of it is on a screen of 24 lines.
            assert!(lines.len() <= 21, "{} lines for {} letters", lines.len(), text.len());
        }
    }

    #[test]
    fn a_code_that_would_be_cut_is_not_drawn() {
        assert!(lines("https://bank.example/consent?x=1", Some(28)).is_empty());
        assert!(!lines("https://bank.example/consent?x=1", None).is_empty());
        assert!(lines(&"x".repeat(4_000), None).is_empty(), "no code holds so much");
    }
}
