//! Colours as DICOM recommends them for display.

/// A colour of sRGB as `RecommendedDisplayCIELabValue`: L\* from 0 to 100 and a\*, b\* from -128 to 127,
/// each over 0 to 65535.
///
/// White is that of sRGB, D65, as programs have it that write segmentations and show them (highdicom,
/// dcmqi, dcmjs), so that they show the colour that was meant. The letter of PS3.3 (profile connection
/// space) would be D50.
///
/// # Sources
///
/// PS3.3 C.10.7.1.1; IEC 61966-2-1 (sRGB).
pub(super) fn cielab(rgb: [u8; 3]) -> [u16; 3] {
    const XYZ_FROM_RGB: [[f64; 3]; 3] = [
        [0.412_456_4, 0.357_576_1, 0.180_437_5],
        [0.212_672_9, 0.715_152_2, 0.072_175_0],
        [0.019_333_9, 0.119_192_0, 0.950_304_1],
    ];
    let linear = rgb.map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    let of_white = |row: [f64; 3]| {
        let dot = row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2];
        dot / (row[0] + row[1] + row[2])
    };
    let [x, y, z] = XYZ_FROM_RGB.map(|row| {
        let t = of_white(row);
        if t > (6.0_f64 / 29.0).powi(3) {
            t.cbrt()
        } else {
            t / 3.0 * (29.0_f64 / 6.0).powi(2) + 4.0 / 29.0
        }
    });
    let scaled = |value: f64, low: f64, high: f64| {
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 65535")]
        #[expect(clippy::cast_sign_loss, reason = "not negative")]
        let whole = (share * 65535.0).round() as u16;
        whole
    };
    [
        scaled(116.0 * y - 16.0, 0.0, 100.0),
        scaled(500.0 * (x - y), -128.0, 127.0),
        scaled(200.0 * (y - z), -128.0, 127.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_white_and_grey_have_no_hue() {
        // 128 of 255, times 65535, is where a* and b* are 0.
        let neutral = 32896;
        assert_eq!(cielab([0; 3]), [0, neutral, neutral]);
        assert_eq!(cielab([255; 3]), [65535, neutral, neutral]);
        let [grey, a, b] = cielab([119; 3]);
        // L* of 50 is sRGB 119 (118.9).
        assert!((32600..32900).contains(&grey), "{grey}");
        assert_eq!([a, b], [neutral, neutral]);
    }
}
